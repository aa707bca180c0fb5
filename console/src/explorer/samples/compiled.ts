// SPDX-License-Identifier: BSD-2-Clause
// Java and Go with nothing but the language, and Go with the vendor's published SDK.
import { comment, hostOf, KEY_ID, KEY_SECRET, quoted, quotedWide, schemeOf, secretName, title, TOKEN, type Call,
	type Language } from "./sample";

/** A method of Java holds at most 65,535 bytes of code and a literal as many bytes: longer texts are joined. */
const JAVA_LITERAL = 8000;

function javaText(text: string): string {
	const parts: string[] = [];
	for (let at = 0; at < text.length || at === 0; at += JAVA_LITERAL)
		parts.push(quoted(text.slice(at, at + JAVA_LITERAL)));
	return parts.length === 1 ? parts[0]! : `String.join("", ${parts.join(", ")})`;
}

function java(call: Call): string {
	return `${comment("//", title(call))}
// JDK 17 or later, nothing else: java Call.java
// The key is read from the environment: ${KEY_ID}, ${KEY_SECRET}, and
// ${TOKEN} for the key of a session.
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Call {
	static final String ENDPOINT = ${quoted(call.endpoint)};
	static final String ACTION = ${quoted(call.action.name)};
	static final String VERSION = ${quoted(call.action.version)};

	static Map<String, String> parameters() {
		Map<String, String> p = new TreeMap<>();
${call.pairs.map(([key, value]) => `\t\tp.put(${quoted(key)}, ${secretName(key) ? `System.getenv("${secretName(key)}")` : javaText(value)});\n`).join("")}\t\treturn p;
	}

	static String encode(String text) {
		return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
	}

	static String sha256(String text) throws Exception {
		byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
		return HexFormat.of().formatHex(hash);
	}

	static String hmac(String secret, String text) throws Exception {
		Mac mac = Mac.getInstance("HmacSHA256");
		mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
		return HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
	}

	public static void main(String[] arguments) throws Exception {
		String keyId = System.getenv("${KEY_ID}");
		String secret = System.getenv("${KEY_SECRET}");
		String token = System.getenv("${TOKEN}");
		String body = parameters().entrySet().stream()
			.map(p -> encode(p.getKey()) + "=" + encode(p.getValue())).collect(Collectors.joining("&"));
		Map<String, String> headers = new TreeMap<>();
		headers.put("host", URI.create(ENDPOINT).getAuthority());
		headers.put("x-acs-action", ACTION);
		headers.put("x-acs-version", VERSION);
		headers.put("x-acs-date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
		headers.put("x-acs-signature-nonce", UUID.randomUUID().toString());
		headers.put("x-acs-content-sha256", sha256(body));
		headers.put("content-type", "application/x-www-form-urlencoded");
		if (token != null && !token.isEmpty()) {
			headers.put("x-acs-accesskey-id", keyId);
			headers.put("x-acs-security-token", token);
		}
		String names = String.join(";", headers.keySet());
		String lines = headers.entrySet().stream()
			.map(h -> h.getKey() + ":" + h.getValue() + "\\n").collect(Collectors.joining());
		String canonical = String.join("\\n", "POST", "/", "", lines, names, sha256(body));
		String signature = hmac(secret, "ACS3-HMAC-SHA256\\n" + sha256(canonical));

		HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(ENDPOINT + "/"))
			.POST(HttpRequest.BodyPublishers.ofString(body))
			.header("accept", "application/json")
			.header("Authorization", "ACS3-HMAC-SHA256 Credential=" + keyId + ",SignedHeaders=" + names
				+ ",Signature=" + signature);
		headers.forEach((name, value) -> {
			if (!name.equals("host"))
				request.header(name, value);
		});
		HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
		HttpResponse<String> reply = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
		System.out.println(reply.body());
		System.exit(reply.statusCode() < 400 ? 0 : 1);
	}
}
`;
}

/** gofmt aligns the values of a map's rows. */
function goRows(call: Call, indent: string): string {
	const width = Math.max(0, ...call.pairs.map(([key]) => quoted(key).length));
	return call.pairs.map(([key, value]) =>
		`${indent}${quoted(key)}:${" ".repeat(width - quoted(key).length + 1)}${
			secretName(key) ? `os.Getenv("${secretName(key)}")` : quotedWide(value)},\n`).join("");
}

function go(call: Call): string {
	const rows = goRows(call, "\t");
	return `${comment("//", title(call))}
// Go 1.17 or later, nothing else: go run main.go
// The key is read from the environment: ${KEY_ID}, ${KEY_SECRET}, and
// ${TOKEN} for the key of a session.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"time"
)

const endpoint = ${quoted(call.endpoint)}
const action = ${quoted(call.action.name)}
const version = ${quoted(call.action.version)}

var parameters = map[string]string{${rows ? `\n${rows}` : ""}}

func encode(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func names(of map[string]string) []string {
	list := []string{}
	for name := range of {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	keyID, secret := os.Getenv("${KEY_ID}"), os.Getenv("${KEY_SECRET}")
	pairs := []string{}
	for _, name := range names(parameters) {
		pairs = append(pairs, encode(name)+"="+encode(parameters[name]))
	}
	body := strings.Join(pairs, "&")
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		fail(err)
	}
	headers := map[string]string{
		"host":                  strings.SplitN(endpoint, "/", 4)[2],
		"x-acs-action":          action,
		"x-acs-version":         version,
		"x-acs-date":            time.Now().UTC().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": hex.EncodeToString(nonce),
		"x-acs-content-sha256":  digest(body),
		"content-type":          "application/x-www-form-urlencoded",
	}
	if token := os.Getenv("${TOKEN}"); token != "" {
		headers["x-acs-accesskey-id"] = keyID
		headers["x-acs-security-token"] = token
	}
	signed := names(headers)
	lines := ""
	for _, name := range signed {
		lines += name + ":" + headers[name] + "\\n"
	}
	canonical := strings.Join([]string{"POST", "/", "", lines, strings.Join(signed, ";"), digest(body)}, "\\n")
	code := hmac.New(sha256.New, []byte(secret))
	code.Write([]byte("ACS3-HMAC-SHA256\\n" + digest(canonical)))

	request, err := http.NewRequest("POST", endpoint+"/", strings.NewReader(body))
	if err != nil {
		fail(err)
	}
	for _, name := range signed {
		if name != "host" {
			request.Header.Set(name, headers[name])
		}
	}
	request.Header.Set("accept", "application/json")
	request.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+keyID+",SignedHeaders="+
		strings.Join(signed, ";")+",Signature="+hex.EncodeToString(code.Sum(nil)))
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		fail(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(text))
	if reply.StatusCode >= 400 {
		os.Exit(1)
	}
}
`;
}

function goSdk(call: Call): string {
	const rows = goRows(call, "\t\t\t");
	return `${comment("//", title(call))}
// go mod init call && go get github.com/alibabacloud-go/darabonba-openapi/v2 github.com/alibabacloud-go/tea
// The key is read from the environment: ${KEY_ID}, ${KEY_SECRET}, and
// ${TOKEN} for the key of a session.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/tea-utils/v2/service"
	"github.com/alibabacloud-go/tea/tea"
)

func main() {
	config := &openapi.Config{
		AccessKeyId:     tea.String(os.Getenv("${KEY_ID}")),
		AccessKeySecret: tea.String(os.Getenv("${KEY_SECRET}")),
		Endpoint:        tea.String(${quoted(hostOf(call.endpoint))}),
		Protocol:        tea.String(${quoted(schemeOf(call.endpoint))}),
	}
	if token := os.Getenv("${TOKEN}"); token != "" {
		config.SecurityToken = tea.String(token)
	}
	client, err := openapi.NewClient(config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	params := &openapi.Params{
		Action:      tea.String(${quoted(call.action.name)}),
		Version:     tea.String(${quoted(call.action.version)}),
		Protocol:    tea.String(${quoted(schemeOf(call.endpoint).toUpperCase())}),
		Pathname:    tea.String("/"),
		Method:      tea.String("POST"),
		AuthType:    tea.String("AK"),
		Style:       tea.String("RPC"),
		ReqBodyType: tea.String("formData"),
		BodyType:    tea.String("json"),
	}
	request := &openapi.OpenApiRequest{
		Body: map[string]interface{}{${rows ? `\n${rows}\t\t` : ""}},
	}
	reply, err := client.CallApi(params, request, &service.RuntimeOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, _ := json.MarshalIndent(reply["body"], "", "  ")
	fmt.Println(string(text))
}
`;
}

export const compiledLanguages: Language[] = [
	{ id: "go", label: "Go", file: "main.go", run: "go run main.go", needs: "", write: go },
	{ id: "go-sdk", label: "Go SDK", file: "main.go", run: "go run main.go",
		needs: "go get github.com/alibabacloud-go/darabonba-openapi/v2 github.com/alibabacloud-go/tea", write: goSdk },
	{ id: "java", label: "Java", file: "Call.java", run: "java Call.java", needs: "", write: java },
];
