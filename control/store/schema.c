/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables, but for those of web sites (schema_web.c). Addresses are 16-byte blobs with IPv4 mapped, times are milliseconds, numbers that
 * nodes know are AUTOINCREMENT so that they are never used twice.
 *
 * What keeps DescribeInstances fast with 100,000 instances:
 *  - instance_page holds what a page filters and sorts by, so that skipped rows are never visited;
 *  - instance_edition and instance_group do so for these two filters;
 * - instance_expiry finds by expiry; instance_page_all and instance_due are the same two for
 * callers that see all accounts, and for the engine;
 *  - instance_count holds totals per (account, edition, resource group), kept by the same functions
 *    that insert, move and release instances.
 */
#include "control/store/schema.h"

static const char initial[] =
	"CREATE TABLE account ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL UNIQUE,"
	" create_ms INTEGER NOT NULL);"

	"CREATE TABLE access_key ("
	" id TEXT PRIMARY KEY,"
	" account INTEGER NOT NULL REFERENCES account (number),"
	" permission INTEGER NOT NULL,"
	" active INTEGER NOT NULL,"
	" secret BLOB NOT NULL,"
	" token BLOB,"
	" expires_ms INTEGER NOT NULL,"
	" create_ms INTEGER NOT NULL,"
	" remark TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX access_key_account ON access_key (account, id);"
	"CREATE INDEX access_key_expires ON access_key (expires_ms) WHERE token IS NOT NULL;"
	"CREATE TABLE access_key_instance ("
	" key_id TEXT NOT NULL REFERENCES access_key (id),"
	" position INTEGER NOT NULL,"
	" instance_id TEXT NOT NULL,"
	" PRIMARY KEY (key_id, position)) WITHOUT ROWID;"

	"CREATE TABLE setting ("
	" name TEXT PRIMARY KEY,"
	" secret BLOB NOT NULL) WITHOUT ROWID;"

	"CREATE TABLE instance ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id TEXT NOT NULL UNIQUE,"
	" account INTEGER NOT NULL REFERENCES account (number),"
	" product INTEGER NOT NULL,"
	" edition INTEGER NOT NULL,"
	" ipv6 INTEGER NOT NULL,"
	" vip BLOB NOT NULL UNIQUE,"
	" create_ms INTEGER NOT NULL,"
	" expire_ms INTEGER NOT NULL,"
	" deadline_generation INTEGER NOT NULL,"
	" previous_forward_until_ms INTEGER NOT NULL,"
	" renewal INTEGER NOT NULL,"
	" renewal_months INTEGER NOT NULL,"
	" switch_back_origin INTEGER NOT NULL,"
	" remark TEXT NOT NULL,"
	" resource_group TEXT NOT NULL,"
	" base_bandwidth_gbps INTEGER NOT NULL,"
	" elastic_bandwidth_gbps INTEGER NOT NULL,"
	" clean_bandwidth_mbps INTEGER NOT NULL,"
	" qps INTEGER NOT NULL,"
	" ports INTEGER NOT NULL,"
	" domains INTEGER NOT NULL,"
	" function_version INTEGER NOT NULL,"
	" product_plan INTEGER NOT NULL,"
	" burst_mode INTEGER NOT NULL,"
	" defense_count INTEGER NOT NULL);"
	"CREATE INDEX instance_page ON instance (account, create_ms, number, expire_ms,"
	" deadline_generation, previous_forward_until_ms, edition, resource_group);"
	"CREATE INDEX instance_page_all ON instance (create_ms, number, expire_ms,"
	" deadline_generation, previous_forward_until_ms, edition, resource_group);"
	"CREATE INDEX instance_expiry ON instance (account, expire_ms, number, create_ms,"
	" deadline_generation, previous_forward_until_ms, edition, resource_group);"
	"CREATE INDEX instance_edition ON instance (account, edition, create_ms, number);"
	"CREATE INDEX instance_group ON instance (account, resource_group, create_ms, number);"
	"CREATE INDEX instance_due ON instance (expire_ms, number, create_ms,"
	" deadline_generation, previous_forward_until_ms, edition, resource_group);"
	"CREATE INDEX instance_unconfirmed ON instance (deadline_generation,"
	" previous_forward_until_ms, account);"
	"CREATE INDEX instance_renewal ON instance (renewal, expire_ms, number);"
	"CREATE TABLE instance_count ("
	" account INTEGER NOT NULL,"
	" edition INTEGER NOT NULL,"
	" resource_group TEXT NOT NULL,"
	" instances INTEGER NOT NULL,"
	" PRIMARY KEY (account, edition, resource_group)) WITHOUT ROWID;"

	"CREATE TABLE released ("
	" id TEXT PRIMARY KEY,"
	" account INTEGER NOT NULL,"
	" number INTEGER NOT NULL,"
	" time_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX released_number ON released (number);"

	"CREATE TABLE vip_prefix ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" first BLOB NOT NULL,"
	" bits INTEGER NOT NULL,"
	" next INTEGER NOT NULL,"
	" ends INTEGER NOT NULL,"
	" active INTEGER NOT NULL,"
	" UNIQUE (first, bits));"
	"CREATE TABLE vip_free ("
	" prefix INTEGER NOT NULL REFERENCES vip_prefix (number),"
	" address BLOB NOT NULL,"
	" PRIMARY KEY (prefix, address)) WITHOUT ROWID;"
	"CREATE INDEX vip_free_address ON vip_free (address);"

	"CREATE TABLE port_rule ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" instance_number INTEGER NOT NULL REFERENCES instance (number),"
	" protocol INTEGER NOT NULL,"
	" frontend_port INTEGER NOT NULL,"
	" backend_port INTEGER NOT NULL,"
	" remark TEXT NOT NULL,"
	" origin_count INTEGER NOT NULL,"
	" UNIQUE (instance_number, protocol, frontend_port));"
	"CREATE TABLE port_rule_origin ("
	" rule_number INTEGER NOT NULL REFERENCES port_rule (number),"
	" position INTEGER NOT NULL,"
	" address BLOB NOT NULL,"
	" weight INTEGER NOT NULL,"
	" PRIMARY KEY (rule_number, position)) WITHOUT ROWID;"

	"CREATE TABLE list_entry ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" instance_number INTEGER NOT NULL REFERENCES instance (number),"
	" kind INTEGER NOT NULL,"
	" source BLOB NOT NULL,"
	" prefix_bits INTEGER NOT NULL,"
	" source_text TEXT NOT NULL,"
	" until_ms INTEGER NOT NULL,"
	" automatic INTEGER NOT NULL,"
	" UNIQUE (instance_number, kind, source, prefix_bits));"
	"CREATE INDEX list_entry_until ON list_entry (until_ms);"

	"CREATE TABLE tag ("
	" instance_number INTEGER NOT NULL REFERENCES instance (number),"
	" key TEXT NOT NULL,"
	" value TEXT NOT NULL,"
	" account INTEGER NOT NULL,"
	" PRIMARY KEY (instance_number, key)) WITHOUT ROWID;"
	"CREATE INDEX tag_value ON tag (account, key, value, instance_number);"

	"CREATE TABLE ledger ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account INTEGER NOT NULL REFERENCES account (number),"
	" kind TEXT NOT NULL,"
	" instance_id TEXT NOT NULL,"
	" client_token TEXT,"
	" create_ms INTEGER NOT NULL,"
	" UNIQUE (account, client_token));"

	"CREATE TABLE audit ("
	" sequence INTEGER PRIMARY KEY,"
	" time_ms INTEGER NOT NULL,"
	" account INTEGER NOT NULL,"
	" actor TEXT NOT NULL,"
	" request_id TEXT NOT NULL,"
	" action TEXT NOT NULL,"
	" object TEXT NOT NULL,"
	" detail TEXT NOT NULL,"
	" hash BLOB NOT NULL);"
	"CREATE INDEX audit_account ON audit (account, sequence);"
	"CREATE INDEX audit_object ON audit (object, sequence);"
	"CREATE TABLE audit_head ("
	" one INTEGER PRIMARY KEY CHECK (one = 1),"
	" sequence INTEGER NOT NULL,"
	" hash BLOB NOT NULL);"

	"CREATE TABLE event ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" time_ms INTEGER NOT NULL,"
	" account INTEGER NOT NULL,"
	" instance_id TEXT NOT NULL,"
	" kind TEXT NOT NULL,"
	" expire_ms INTEGER NOT NULL,"
	" detail TEXT NOT NULL,"
	" UNIQUE (instance_id, kind, expire_ms));"
	"CREATE INDEX event_account ON event (account, number);"

	"CREATE TABLE change ("
	" generation INTEGER PRIMARY KEY AUTOINCREMENT,"
	" type INTEGER NOT NULL,"
	" number INTEGER NOT NULL);"

	"CREATE TABLE node ("
	" name TEXT PRIMARY KEY,"
	" generation INTEGER NOT NULL,"
	" seen_ms INTEGER NOT NULL,"
	" sources TEXT NOT NULL) WITHOUT ROWID;"

	/* Where the engine is: see engine/steps.c. */
	"CREATE TABLE engine_state ("
	" name TEXT PRIMARY KEY,"
	" first INTEGER NOT NULL,"
	" second INTEGER NOT NULL) WITHOUT ROWID;";

/* Tokens know the key that made them, and end with it. */
static const char token_parents[] =
	"ALTER TABLE access_key ADD COLUMN parent TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX access_key_parent ON access_key (parent) WHERE parent <> '';";

/* What an order with a client token asked for, so that the token cannot stand for another order. */
static const char order_requests[] =
	"ALTER TABLE ledger ADD COLUMN request TEXT NOT NULL DEFAULT '';";

/* Session persistence and bounds of payloads: off, and PAYLOAD_MAX_NONE. */
static const char rule_attributes[] =
	"ALTER TABLE port_rule ADD COLUMN persistence_seconds INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN payload_min INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN payload_max INTEGER NOT NULL DEFAULT 6000;";

/* Limits, filters and how the origin learns the client's address: off. Groups of origins for redundancy: side 0
 * is the rule's own, side 1 primary, side 2 secondary; active_side is the one in force. Health checks. */
static const char rule_policies[] =
	"ALTER TABLE port_rule ADD COLUMN syn_mode INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN no_empty INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN service_rate INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN service_rate_on INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN service_connections INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN service_connections_on INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN source_rate INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN source_rate_on INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN source_connections INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN source_connections_on INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN source_packets INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN source_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN block_rate INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN block_connections INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN block_packets INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN block_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN client_address INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN form INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN challenge INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN backup INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule ADD COLUMN current_side INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE port_rule ADD COLUMN active_side INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE port_rule_origin RENAME TO port_rule_origin_old;"
	"CREATE TABLE port_rule_origin ("
	" rule_number INTEGER NOT NULL REFERENCES port_rule (number),"
	" side INTEGER NOT NULL,"
	" position INTEGER NOT NULL,"
	" address BLOB NOT NULL,"
	" weight INTEGER NOT NULL,"
	" PRIMARY KEY (rule_number, side, position)) WITHOUT ROWID;"
	"INSERT INTO port_rule_origin (rule_number, side, position, address, weight)"
	" SELECT rule_number, 0, position, address, weight FROM port_rule_origin_old;"
	"DROP TABLE port_rule_origin_old;"
	"CREATE TABLE rule_health ("
	" rule_number INTEGER PRIMARY KEY REFERENCES port_rule (number),"
	" kind INTEGER NOT NULL,"
	" domain TEXT NOT NULL,"
	" path TEXT NOT NULL,"
	" port INTEGER NOT NULL,"
	" timeout_seconds INTEGER NOT NULL,"
	" interval_seconds INTEGER NOT NULL,"
	" up INTEGER NOT NULL,"
	" down INTEGER NOT NULL);";

/* How instances are protected; no row: as by default. Who made a list entry, when, and which mitigation asked for
 * it. Times are the machine's. */
static const char policies[] =
	"CREATE TABLE protection ("
	" instance_number INTEGER PRIMARY KEY REFERENCES instance (number),"
	" modes TEXT NOT NULL,"
	" auto_block INTEGER NOT NULL,"
	" strictness INTEGER NOT NULL,"
	" real_limit_mbps INTEGER NOT NULL,"
	" syn_threshold INTEGER NOT NULL,"
	" unproven_max INTEGER NOT NULL,"
	" packets_max INTEGER NOT NULL,"
	" blackhole_from_ms INTEGER NOT NULL,"
	" blackhole_until_ms INTEGER NOT NULL);"
	"CREATE INDEX protection_blackhole ON protection (blackhole_until_ms)"
	" WHERE blackhole_until_ms > 0;"
	"CREATE TABLE policy ("
	" instance_number INTEGER PRIMARY KEY REFERENCES instance (number),"
	" region_on INTEGER NOT NULL,"
	" countries TEXT NOT NULL,"
	" provinces TEXT NOT NULL,"
	" reflection TEXT NOT NULL,"
	" ct_from_ms INTEGER NOT NULL,"
	" ct_until_ms INTEGER NOT NULL,"
	" cut_from_ms INTEGER NOT NULL,"
	" cut_until_ms INTEGER NOT NULL,"
	" diverted INTEGER NOT NULL);"
	"CREATE INDEX policy_diverted ON policy (instance_number) WHERE diverted = 1;"
	"CREATE TABLE policy_pattern ("
	" instance_number INTEGER NOT NULL REFERENCES policy (instance_number),"
	" position INTEGER NOT NULL,"
	" protocol INTEGER NOT NULL,"
	" port INTEGER NOT NULL,"
	" byte_offset INTEGER NOT NULL,"
	" value BLOB NOT NULL,"
	" mask BLOB NOT NULL,"
	" PRIMARY KEY (instance_number, position)) WITHOUT ROWID;"
	"CREATE TABLE capture ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" instance_number INTEGER NOT NULL REFERENCES instance (number),"
	" reasons INTEGER NOT NULL,"
	" packets INTEGER NOT NULL,"
	" from_ms INTEGER NOT NULL,"
	" until_ms INTEGER NOT NULL);"
	"CREATE INDEX capture_instance ON capture (instance_number);"
	"CREATE TABLE quota_use ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account INTEGER NOT NULL REFERENCES account (number),"
	" kind TEXT NOT NULL,"
	" time_ms INTEGER NOT NULL);"
	"CREATE INDEX quota_use_account ON quota_use (account, kind, time_ms);"
	"CREATE TABLE limit_event ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" instance_number INTEGER NOT NULL REFERENCES instance (number),"
	" from_ms INTEGER NOT NULL,"
	" until_ms INTEGER NOT NULL);"
	"CREATE INDEX limit_event_instance ON limit_event (instance_number, until_ms);"
	"CREATE INDEX limit_event_until ON limit_event (until_ms);"
	"ALTER TABLE list_entry ADD COLUMN since_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE list_entry ADD COLUMN actor TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE list_entry ADD COLUMN mitigation TEXT NOT NULL DEFAULT '';";

/* SYNs below a threshold pass without a cookie by default: not at instances that were made before. 1: as
 * STRICTNESS_NORMAL. */
static const char syn_thresholds[] =
	"UPDATE protection SET syn_threshold = 0 WHERE syn_threshold < 0;"
	"INSERT INTO protection (instance_number, modes, auto_block, strictness, real_limit_mbps,"
	" syn_threshold, unproven_max, packets_max, blackhole_from_ms, blackhole_until_ms)"
	" SELECT number, '', 1, 1, 0, 0, 0, 0, 0, 0 FROM instance"
	" WHERE number NOT IN (SELECT instance_number FROM protection);";

/* Who logs in with a password, and temporary keys that last while they are used. name_key: the name in lower case.
 * until_ms: no extension of a session goes beyond; 0: the key is none that is extended. */
static const char users[] = "CREATE TABLE login_user ("
			    " number INTEGER PRIMARY KEY AUTOINCREMENT,"
			    " name TEXT NOT NULL,"
			    " name_key TEXT NOT NULL UNIQUE,"
			    " account INTEGER NOT NULL REFERENCES account (number),"
			    " permission INTEGER NOT NULL,"
			    " password BLOB NOT NULL,"
			    " create_ms INTEGER NOT NULL,"
			    " login_ms INTEGER NOT NULL);"
			    "CREATE INDEX login_user_account ON login_user (account, name_key);"
			    "CREATE TABLE login_user_instance ("
			    " login_user INTEGER NOT NULL REFERENCES login_user (number),"
			    " position INTEGER NOT NULL,"
			    " instance_id TEXT NOT NULL,"
			    " PRIMARY KEY (login_user, position)) WITHOUT ROWID;"
			    "ALTER TABLE access_key ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;"
			    "ALTER TABLE access_key ADD COLUMN manages INTEGER NOT NULL DEFAULT 0;";

/* Attacks. No reference to instances and sites: they are remembered when these are gone. Times are the machine's. */
static const char attacks[] = "CREATE TABLE attack ("
			      " number INTEGER PRIMARY KEY AUTOINCREMENT,"
			      " account INTEGER NOT NULL REFERENCES account (number),"
			      " kind INTEGER NOT NULL,"
			      " subject INTEGER NOT NULL,"
			      " instance_id TEXT NOT NULL,"
			      " product INTEGER NOT NULL,"
			      " vip BLOB NOT NULL,"
			      " domain TEXT NOT NULL,"
			      " begin_ms INTEGER NOT NULL,"
			      " mitigated_ms INTEGER NOT NULL,"
			      " last_ms INTEGER NOT NULL,"
			      " end_ms INTEGER NOT NULL,"
			      " in_packets INTEGER NOT NULL,"
			      " in_bytes INTEGER NOT NULL,"
			      " refused_packets INTEGER NOT NULL,"
			      " refused_bytes INTEGER NOT NULL,"
			      " peak_in_packets INTEGER NOT NULL,"
			      " peak_in_bytes INTEGER NOT NULL,"
			      " peak_refused_packets INTEGER NOT NULL,"
			      " peak_refused_bytes INTEGER NOT NULL,"
			      " parts TEXT NOT NULL);"
			      "CREATE INDEX attack_account ON attack (account, begin_ms);"
			      "CREATE INDEX attack_end ON attack (end_ms);"
			      "CREATE UNIQUE INDEX attack_open ON attack (kind, subject)"
			      " WHERE end_ms = 0;";

/* Scheduling rules (model/scheduler.h) and what they lead to, with its state. Times of it are the life cycle's. */
static const char scheduler[] =
	"CREATE TABLE scheduler_rule ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account INTEGER NOT NULL REFERENCES account (number),"
	" name TEXT NOT NULL,"
	" type INTEGER NOT NULL,"
	" cname TEXT NOT NULL UNIQUE,"
	" domain TEXT NOT NULL,"
	" cdn_name TEXT NOT NULL,"
	" access_qps INTEGER NOT NULL,"
	" upstream_qps INTEGER NOT NULL,"
	" param_type TEXT NOT NULL,"
	" cloud_instance TEXT NOT NULL,"
	" UNIQUE (account, name));"
	/* address: zeros where no address is known; label: of a web site's name in our zone. */
	"CREATE TABLE scheduler_resource ("
	" rule INTEGER NOT NULL REFERENCES scheduler_rule (number),"
	" position INTEGER NOT NULL,"
	" named INTEGER NOT NULL,"
	" value TEXT NOT NULL,"
	" address BLOB NOT NULL,"
	" label TEXT NOT NULL,"
	" value_type INTEGER NOT NULL,"
	" priority INTEGER NOT NULL,"
	" region TEXT NOT NULL,"
	" delay_minutes INTEGER NOT NULL,"
	" mode INTEGER NOT NULL,"
	" away INTEGER NOT NULL,"
	" quiet_ms INTEGER NOT NULL,"
	" back_ms INTEGER NOT NULL,"
	" answered INTEGER NOT NULL,"
	" PRIMARY KEY (rule, position)) WITHOUT ROWID;"
	"CREATE INDEX scheduler_resource_address ON scheduler_resource (address);"
	/* Names of rules that are gone, until no change names them any more. */
	"CREATE TABLE scheduler_gone ("
	" number INTEGER PRIMARY KEY,"
	" cname TEXT NOT NULL,"
	" generation INTEGER NOT NULL);";

/* Who attacked, while it is known: one text for each attack (model/attack_top.h). */
static const char attack_tops[] = "CREATE TABLE attack_top ("
				  " attack INTEGER PRIMARY KEY REFERENCES attack (number)"
				  " ON DELETE CASCADE,"
				  " places TEXT NOT NULL);";

/* What instances may have beyond their plans (model/burst.h). */
static const char bursts[] =
	"ALTER TABLE instance ADD COLUMN burst_bandwidth_mbps INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE instance ADD COLUMN burst_mode_next INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE instance ADD COLUMN burst_mode_next_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE instance ADD COLUMN burst_qps INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE instance ADD COLUMN burst_qps_mode INTEGER NOT NULL DEFAULT 0;";

/* Exports (model/export.h). No reference to instances and sites: what was exported of them stays. */
static const char exports[] = "CREATE TABLE export ("
			      " number INTEGER PRIMARY KEY AUTOINCREMENT,"
			      " account INTEGER NOT NULL REFERENCES account (number),"
			      " type INTEGER NOT NULL,"
			      " state INTEGER NOT NULL,"
			      " instance_id TEXT NOT NULL,"
			      " domain TEXT NOT NULL,"
			      " reason TEXT NOT NULL,"
			      " bytes INTEGER NOT NULL,"
			      " begin_ms INTEGER NOT NULL,"
			      " end_ms INTEGER NOT NULL);"
			      "CREATE INDEX export_account ON export (account, number);"
			      "CREATE INDEX export_state ON export (state, number);";

/* What was used of bursts (store/metering.h), and since when the requests to a CDN's domain are calm (model/scheduler.h; 0:
 * they are not). Machine time. */
static const char lasting_figures[] =
	"CREATE TABLE metering ("
	" instance_number INTEGER NOT NULL REFERENCES instance (number),"
	" time_ms INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL,"
	" requests INTEGER NOT NULL,"
	" peak_requests INTEGER NOT NULL,"
	" PRIMARY KEY (instance_number, time_ms)) WITHOUT ROWID;"
	"CREATE INDEX metering_time ON metering (time_ms);"
	"CREATE INDEX instance_burst ON instance (number)"
	" WHERE (burst_bandwidth_mbps > 0 OR burst_qps > 0);"
	"ALTER TABLE scheduler_rule ADD COLUMN calm_ms INTEGER NOT NULL DEFAULT 0;";

const char *const schema_steps[] = {
	initial,
	token_parents,
	order_requests,
	rule_attributes,
	rule_policies,
	policies,
	syn_thresholds,
	schema_websites,
	schema_web_policies,
	users,
	schema_log_queries,
	attacks,
	schema_acme,
	scheduler,
	attack_tops,
	bursts,
	exports,
	lasting_figures,
};
const int schema_count = sizeof(schema_steps) / sizeof(schema_steps[0]);
