// SPDX-License-Identifier: BSD-2-Clause
//
// Requests that are broken below the level of parameters: too large, slow, cut off, wrong type, bad
// encoding. Each must get the published answer or a closed connection, and change nothing.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import net from 'node:net';

const polder = process.env.POLDER ?? '../../build/polder';
const lab = JSON.parse(execFileSync(polder, ['lab', 'status', '--json']));
const { hostname, port } = new URL(lab.api);
let number = 0;
let failed = 0;

function check(name, good, detail) {
	number++;
	failed += good ? 0 : 1;
	console.log(`${good ? 'ok' : 'not ok'} ${number} - ${name}`);
	if (!good) {
		console.log(`    ${JSON.stringify(detail)?.slice(0, 600)}`);
	}
}

// Sends the pieces with pauses, resolves with what came back until the end or the time limit.
function talk(pieces, { pause = 0, limit = 30000, end = false } = {}) {
	return new Promise((resolve) => {
		const socket = net.connect(Number(port), hostname);
		const started = Date.now();
		let text = '';
		let finished = false;
		const finish = () => {
			if (!finished) {
				finished = true;
				socket.destroy();
				const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0);
				const body = text.slice(text.indexOf('\r\n\r\n') + 4);
				let json;
				try {
					json = JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1));
				} catch {
					json = undefined;
				}
				resolve({ status, text, json, ms: Date.now() - started });
			}
		};
		socket.on('data', (data) => {
			text += data;
			const header = text.indexOf('\r\n\r\n');
			const length = /content-length: (\d+)/i.exec(text);
			if (header > 0 && length && text.length >= header + 4 + Number(length[1])) {
				finish();
			}
		});
		socket.on('close', finish);
		socket.on('error', finish);
		setTimeout(finish, limit);
		socket.on('connect', async () => {
			for (const piece of pieces) {
				if (socket.destroyed) {
					return;
				}
				socket.write(piece);
				await new Promise((wake) => setTimeout(wake, pause));
			}
			if (end) {
				socket.end();
			}
		});
	});
}

const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g,
	(c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
function signed(method, params) {
	const all = { Format: 'JSON', Version: '2020-01-01', AccessKeyId: lab.access_key_id,
		SignatureMethod: 'HMAC-SHA1', SignatureVersion: '1.0', SignatureNonce: crypto.randomUUID(),
		Timestamp: new Date().toISOString().replace(/\.\d+Z/, 'Z'), ...params };
	const query = Object.keys(all).sort().map((k) => `${encode(k)}=${encode(all[k])}`).join('&');
	const string = `${method}&%2F&${encode(query)}`;
	const signature = crypto.createHmac('sha1', lab.access_key_secret + '&').update(string).digest('base64');
	return `${query}&Signature=${encode(signature)}`;
}
const post = (body, headers = 'Content-Type: application/x-www-form-urlencoded\r\n') =>
	`POST / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n${headers}` +
	`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const good = () => signed('POST', { Action: 'DescribeInstances', PageNumber: '1', PageSize: '10' });
let reply = await talk([post(good())]);
check('a good request, as a control', reply.status === 200 && Array.isArray(reply.json?.Instances), reply);
const before = reply.json?.TotalCount;

reply = await talk([post(`${good()}&Padding=${'x'.repeat(4300000)}`)]);
check('a body above 4 MiB: 413 in the published form', reply.status === 413 && reply.json?.Code &&
	reply.json?.RequestId, reply);
reply = await talk([post(good(), 'Content-Type: application/json\r\n')]);
check('Content-Type application/json is refused by name', reply.status === 400 &&
	/Content-Type/.test(reply.json?.Message), reply);
reply = await talk([post(good(), 'Content-Type: multipart/form-data; boundary=x\r\n')]);
check('Content-Type multipart/form-data is refused by name', reply.status === 400 &&
	/Content-Type/.test(reply.json?.Message), reply);
reply = await talk([post('Action=%zz')]);
check('a bad percent-escape', reply.status === 400 && reply.json?.Code, reply);
reply = await talk([post('Action=DescribeInstances&Remark=%FF%FE')]);
check('bad UTF-8', reply.status === 400 && reply.json?.Code === 'InvalidParameter.Format', reply);
reply = await talk([post('Action=%00')]);
check('a NUL', reply.status === 400 && reply.json?.Code, reply);
reply = await talk([post('')]);
check('an empty request names what is missing', reply.status === 400 && reply.json?.Code === 'MissingParameter',
	reply);
reply = await talk([`PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`]);
check('PUT is UnsupportedHTTPMethod', reply.json?.Code === 'UnsupportedHTTPMethod', reply);
reply = await talk([`GET /elsewhere?${signed('GET', { Action: 'DescribeInstanceIds' })} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`]);
check('another path is InvalidAction.NotFound', reply.status === 404 && reply.json?.Code === 'InvalidAction.NotFound',
	reply);

const remark = signed('POST', { Action: 'CreateInstance', Version: '2017-12-14', ProductCode: 'ddos',
	ProductType: 'ddoscoo', SubscriptionType: 'Subscription', Period: '1' });
const whole = post(remark);
const cut = whole.slice(0, whole.length - 20);
reply = await talk([cut], { end: true, limit: 5000 });
check('a body that is cut off is never carried out', reply.status !== 200, reply);
reply = await talk([cut.slice(0, 200), ...cut.slice(200).match(/.{1,3}/gs)], { pause: 500, limit: 60000 });
check('a body that trickles is ended by the server', reply.status !== 200 && reply.ms < 60000, reply);
const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const body = good();
reply = await talk([`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n` +
	`Content-Type: application/x-www-form-urlencoded\r\n\r\n`, chunk(body.slice(0, 7)), chunk(body.slice(7)),
	'0\r\n\r\n'], { pause: 20 });
check('a chunked body is read whole', reply.status === 200, reply);
check('nothing was changed by any of these', reply.json?.TotalCount === before, reply.json?.TotalCount);
const verify = execFileSync(polder, ['audit', 'verify']).toString();
check('the audit log is whole', verify.length > 0, verify);
process.exit(failed ? 1 : 0);
