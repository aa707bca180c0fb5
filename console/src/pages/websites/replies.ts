// SPDX-License-Identifier: BSD-2-Clause
// What the actions of web sites reply, as these pages read it.
export interface Site {
	Domain: string; Cname: string; CertName: string; Http2Enable: boolean; Http2HttpsEnable: boolean; Https2HttpEnable: boolean; OcspEnabled: boolean;
	ProxyTypes: { ProxyType: string; ProxyPorts: string[] }[]; Ssl13Enabled: boolean; SslCiphers: string; SslProtocols: string; CertExpireTime: number;
	CustomCiphers: string[]; RealServers: { RealServer: string; RsType: number }[]; BlackList: string[]; WhiteList: string[];
}
export interface OriginAttributes { Weight: number; ConnectTimeout: number; FailTimeout: number; MaxFails: number; ReadTimeout: number; SendTimeout: number; Mode: string }
export interface SitePoint { Time: number; Requests: number; OriginRequests: number; OriginStatus0: number; OriginStatus5: number }

declare module "../../api/replies" {
	interface Replies {
		DescribeWebRules: { TotalCount: number; WebRules: Site[] };
		DescribeWebInstanceRelations: { WebInstanceRelations: { Domain: string; InstanceDetails: { InstanceId: string; EipList: string[] }[] }[] };
		DescribeWebAccessMode: { DomainModes: { Domain: string; AccessMode: number }[] };
		DescribeCerts: { Certs: { Id: number; Name: string; Common: string; StartDate: string; EndDate: string; DomainMatchCert: boolean }[] };
		DescribeWebAcme: { Available: boolean; Enabled: boolean; State: "off" | "waiting" | "ordering" | "valid" | "failed" | "stopped"; LastError: string; NextTry: number; ExpireTime: number; Directory: string };
		DescribeL7RsPolicy: { ProxyMode: string; UpstreamRetry: number; Attributes: { RealServer: string; Attribute: OriginAttributes }[] };
		DescribeL7UsKeepalive: { RsKeepalive: { Enabled: boolean; KeepaliveRequests: number; KeepaliveTimeout: number } };
		DescribeHeaders: { CustomHeader: { Headers: string } };
		DescribeBackSourceCidr: { Cidrs: string[] };
	}
}
