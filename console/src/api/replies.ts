// SPDX-License-Identifier: BSD-2-Clause
import type { Caller } from "./session";

// What actions reply, as far as pages read it. An area adds its own in its own file:
//
//	declare module "../api/replies" { interface Replies { DescribePort: { ... } } }

export interface Instance {
	InstanceId: string; Ip: string; IpMode: string; IpVersion: string; Remark: string; Edition: number; Status: number;
	Enabled: number; DebtStatus: number; CreateTime: number; ExpireTime: number;
}
export interface InstanceSpec {
	InstanceId: string; BaseBandwidth: number; ElasticBandwidth: number; BandwidthMbps: number; QpsLimit: number;
	PortLimit: number; DomainLimit: number; SiteLimit: number; ConnLimit: number; CpsLimit: number; FunctionVersion: string;
	ElasticBw: number; ElasticQps: number;
}
export interface InstanceStatistic { InstanceId: string; PortUsage: number; DomainUsage: number; SiteUsage: number }
export interface Order {
	InstanceID: string; EndTime: string; StopTime: string; ExpectedReleaseTime: string; RenewStatus: string;
	RenewalDuration: number; RenewalDurationUnit: string; Region: string; ProductType: string; Status: string;
}
export interface Rates {
	InPackets: number; InBytes: number; DroppedPackets: number; DroppedBytes: number; OutPackets: number; OutBytes: number;
	InPacketsPerSecond: number; InBytesPerSecond: number; DroppedPacketsPerSecond: number; DroppedBytesPerSecond: number;
	OutPacketsPerSecond: number; OutBytesPerSecond: number;
}
export interface Reason { Name: string; Packets: number; Bytes: number; PacketsPerSecond: number; BytesPerSecond: number }
export interface PolderNode {
	NodeName: string; AgentRun?: string; Generation: number; UpToDate: boolean; SeenTime: number; Sources: string[]; VipCount: number;
	ServiceCount: number; ListEntryCount: number; MapBytes: number; LifeOffset: number; XdpMode: string;
	Reasons: { Name: string; Packets: number; Bytes: number }[]; Uplinks?: Uplink[];
}
export interface Uplink { Interface: string; Mbps: number; InBytesPerSecond: number; OutBytesPerSecond: number }
export interface AuditRecord {
	Sequence: number; Time: number; AccountId: number; Actor: string; CallId: string; ActionName: string; Object: string;
	Detail: string;
}
export interface AccessKey {
	AccessKeyId: string; AccountId: number; Permission: string; Status: string; CreateTime: string; Remark: string;
	InstanceIds: string[]; Expiration?: string;
}
export interface NetworkRule {
	InstanceId: string; Protocol: string; FrontendPort: number; BackendPort: number; RealServers: string[]; Remark: string;
}
export interface PolderEvent {
	Number: number; Time: number; Kind: string; InstanceId: string; Subject: string; Detail: string;
}

export interface Replies {
	CreateSession: { Credentials: { AccessKeyId: string; AccessKeySecret: string; SecurityToken: string; Expiration: string };
		UserName: string; AccountId: number; Permission: string; InstanceIds: string[]; LastExpiration: string };
	DescribeCaller: Caller;
	CreateSecurityToken: { Credentials: { AccessKeyId: string; AccessKeySecret: string; SecurityToken: string; Expiration: string } };
	DescribeInstances: { TotalCount: number; Instances: Instance[] };
	DescribeInstanceIds: { InstanceIds: { InstanceId: string; Edition: number; IpVersion: string; Remark: string }[] };
	DescribeInstanceDetails: { InstanceDetails: { InstanceId: string; Line: string; EipInfos: {
		Eip: string; Status: string; IpVersion: string; FunctionVersion: string }[] }[] };
	DescribeInstanceSpecs: { InstanceSpecs: InstanceSpec[] };
	DescribeInstanceStatistics: { InstanceStatistics: InstanceStatistic[] };
	QueryAvailableInstances: { Data: { InstanceList: Order[]; TotalCount: number } };
	CreateInstance: { Success: boolean; Data: { InstanceId: string; OrderId: string } };
	RenewInstance: { Success: boolean; Data: { OrderId: string } };
	DescribeTraffic: { InstanceId: string; Reported: boolean; InPacketsLastMinute: number; DroppedPacketsLastMinute: number; InPackets: number; InBytes: number; DroppedPackets: number;
		DroppedBytes: number; OutPackets: number; OutBytes: number; LastPacketTime: number };
	DescribeReasons: Rates & { InstanceId: string; Time: number; Reasons: Reason[] };
	DescribeTopInstances: { Time: number; Instances: (Rates & { InstanceId: string; Ip: string })[] };
	DescribeNodes: { Generation: number; TotalCount: number; Nodes: PolderNode[] };
	DescribeEvents: { Events: PolderEvent[]; NextNumber: number };
	DescribeAuditLog: { Records: AuditRecord[]; TotalCount: number };
	VerifyAuditLog: { Intact: boolean; Checked: number; FirstBroken: number };
	DescribeAccounts: { TotalCount: number; Accounts: { AccountId: number; Name: string; CreateTime: string; InstanceCount: number; AccessKeyCount: number; UserCount: number }[] };
	DescribeAccessKeys: { AccessKeys: AccessKey[] };
	CreateAccessKey: { AccessKey: { AccessKeyId: string; AccessKeySecret: string } };
	DescribeSwitchBack: { InstanceId: string; Name: string; SwitchBack: "none" | "origin"; SwitchedBack: boolean; Answers: string[] };
	DescribeTagResources: { NextToken: string; TagResources: { TagResource: { ResourceId: string; TagKey: string; TagValue: string }[] } };
	DescribeNetworkRules: { TotalCount: number; NetworkRules: NetworkRule[] };
	DescribeHealthCheckStatus: { HealthCheckStatus: { InstanceId: string; Protocol: string; FrontendPort: number; Status: string;
		RealServerStatusList: { Address: string; Status: string }[] }[] };
}
