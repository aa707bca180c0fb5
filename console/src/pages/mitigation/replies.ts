// SPDX-License-Identifier: BSD-2-Clause
// What the actions of mitigations reply, as these pages read it.
import type { CapturedPacket } from "./frames";

export type Mode = "off" | "watch" | "block";
export interface Mitigation {
	Name: string; Text: string; Mode: Mode; DefaultMode: Mode; Chosen: boolean; DroppedPackets: number; DroppedBytes: number; WatchedPackets: number; WatchedBytes: number;
}
export interface ListEntry { SourceIp: string; EndTime: number; Type: "manual" | "auto" }
export interface Pattern { Protocol: string; Port: number; Offset: number; Value: string; Mask: string }
export interface ExplainStep { Name: string; Result: "pass" | "allow" | "depends" | "watch" | "drop"; Detail: string; DroppedPackets?: number }

declare module "../../api/replies" {
	interface Replies {
		DescribeMitigations: { Mitigations: Mitigation[]; Limits: { SynThreshold: number; UnprovenPackets: number; Packets: number; Bytes: number } };
		DescribeAutoCcBlacklist: { TotalCount: number; AutoCcBlacklist: ListEntry[] };
		DescribeAutoCcWhitelist: { TotalCount: number; AutoCcWhitelist: ListEntry[] };
		DescribePayloadPatterns: { Patterns: Pattern[] };
		DescribeUdpReflect: { UdpSports: string[] };
		DescribeNetworkRegionBlock: { Config: { RegionBlockSwitch: "on" | "off"; Countries: number[]; Provinces: number[] } };
		DescribePortAutoCcStatus: { PortAutoCcStatus: { Mode: "loose" | "normal" | "strict"; Switch: "on" | "off" }[] };
		DescribeBlackholeStatus: { BlackholeStatus: { BlackStatus: string; StartTime: number; EndTime: number }[] };
		DescribeBlockStatus: { StatusList: { BlockStatusList: { Line: string; BlockStatus: string; StartTime: number; EndTime: number }[] }[] };
		ExplainPacket: { Steps: ExplainStep[]; Verdict: "pass" | "drop" | "depends"; Reason: string };
		DescribeCapture: { CaptureId: number; StartTime: number; EndTime: number; Running: boolean; TotalCount: number; Packets: CapturedPacket[] };
	}
}
