// SPDX-License-Identifier: BSD-2-Clause
//
// Four unmodified official clients, each through the whole life of an instance: buy, describe, port
// rule, refused release, and after expiry the release. They differ in what they put on the wire: V1 by
// GET, V1 by POST, V1 split between query and chunked body, V3 with headers signed by the client's list.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const polder = process.env.POLDER ?? '../../build/polder';
const lab = JSON.parse(execFileSync(polder, ['lab', 'status', '--json']));
const endpoint = new URL(lab.api);
const DDOSCOO = '2020-01-01';
const BSS = '2017-12-14';
let number = 0;
let failed = 0;

function check(name, good, detail) {
	number++;
	if (good) {
		console.log(`ok ${number} - ${name}`);
	} else {
		failed++;
		console.log(`not ok ${number} - ${name}`);
		console.log(`    ${JSON.stringify(detail)}`);
	}
}

function popCore(method) {
	const { RPCClient } = require('@alicloud/pop-core');
	const make = (apiVersion) => new RPCClient({ accessKeyId: lab.access_key_id,
		accessKeySecret: lab.access_key_secret, endpoint: endpoint.origin, apiVersion });
	const clients = { [DDOSCOO]: make(DDOSCOO), [BSS]: make(BSS) };
	return async (version, action, params) => {
		try {
			return await clients[version].request(action, params, { method, timeout: 10000 });
		} catch (error) {
			return { error: error.code };
		}
	};
}

function rpcClient() {
	const { default: Client } = require('@alicloud/rpc-client');
	const util = require('@alicloud/tea-util');
	const client = new Client({ accessKeyId: lab.access_key_id,
		accessKeySecret: lab.access_key_secret, endpoint: endpoint.host, protocol: 'http' });
	const runtime = new util.RuntimeOptions({ autoretry: false });
	// As Terraform does: InstanceId and the like in the query, the rest in the body.
	const inQuery = new Set(['InstanceId', 'FrontendPort', 'FrontendProtocol']);
	return async (version, action, params) => {
		const query = {};
		const body = {};
		for (const [key, value] of Object.entries(params)) {
			(inQuery.has(key) ? query : body)[key] = value;
		}
		try {
			return await client.doRequest(action, 'HTTP', 'POST', version, 'AK', query, body, runtime);
		} catch (error) {
			return { error: String(error.code).replace(/Error$/, '') };
		}
	};
}

function flatten(params) {
	const out = {};
	for (const [key, value] of Object.entries(params)) {
		if (!Array.isArray(value)) {
			out[key] = String(value);
			continue;
		}
		value.forEach((item, index) => {
			if (typeof item === 'object') {
				for (const [name, part] of Object.entries(item)) {
					out[`${key}.${index + 1}.${name}`] = String(part);
				}
			} else {
				out[`${key}.${index + 1}`] = String(item);
			}
		});
	}
	return out;
}

function openapiClient() {
	const openapi = require('@alicloud/openapi-client');
	const util = require('@alicloud/tea-util');
	const client = new openapi.default(new openapi.Config({ accessKeyId: lab.access_key_id,
		accessKeySecret: lab.access_key_secret, endpoint: endpoint.host, protocol: 'http' }));
	return async (version, action, params) => {
		const request = new openapi.OpenApiRequest({ query: flatten(params) });
		const description = new openapi.Params({ action, version, protocol: 'HTTP', pathname: '/',
			method: 'POST', authType: 'AK', style: 'RPC', reqBodyType: 'formData',
			bodyType: 'json' });
		try {
			const reply = await client.callApi(description, request, new util.RuntimeOptions({}));
			return reply.body;
		} catch (error) {
			return { error: error.code };
		}
	};
}

function openapiCore() {
	const { default: OpenApi, $OpenApiUtil } = require('@alicloud/openapi-core');
	const { RuntimeOptions } = require('@darabonba/typescript');
	const client = new OpenApi(new $OpenApiUtil.Config({ accessKeyId: lab.access_key_id,
		accessKeySecret: lab.access_key_secret, endpoint: endpoint.host, protocol: 'http' }));
	return async (version, action, params) => {
		const request = new $OpenApiUtil.OpenApiRequest({ query: flatten(params) });
		const description = new $OpenApiUtil.Params({ action, version, protocol: 'HTTP',
			pathname: '/', method: 'POST', authType: 'AK', style: 'RPC', reqBodyType: 'formData',
			bodyType: 'json' });
		try {
			const reply = await client.callApi(description, request, new RuntimeOptions({}));
			return reply.body;
		} catch (error) {
			return { error: error.code };
		}
	};
}

/* The task about the instance, once it has ended. */
async function exported(call, id) {
	for (let i = 0; i < 120; i++) {
		const reply = await call(DDOSCOO, 'DescribeAsyncTasks', { PageNumber: 1, PageSize: 10 });
		const task = reply.AsyncTasks?.find(({ TaskParams }) => JSON.parse(TaskParams).instanceId === id);
		if (task?.TaskStatus >= 2) {
			return task;
		}
		await new Promise((resolve) => setTimeout(resolve, 500));
	}
	return undefined;
}

const clients = { 'pop-core GET': popCore('GET'), 'pop-core POST': popCore('POST'),
	'rpc-client': rpcClient(), 'openapi-client': openapiClient(), 'openapi-core': openapiCore() };
const plan = [['ServicePartner', 'coop-line-001'], ['PortCount', '50'], ['DomainCount', '50'],
	['BaseBandwidth', '30'], ['Bandwidth', '30'], ['ServiceBandwidth', '100'], ['NormalQps', '3000'],
	['FunctionVersion', '0'], ['AddressType', 'Ipv4']].map(([Code, Value]) => ({ Code, Value }));
const bought = {};

// As Terraform does: what is read is looked for by its name, in a parameter named Domain.
async function schedulerRule(name, call, address) {
	const RuleName = `tf ${name}`;
	const rules = (type) => JSON.stringify([{ Priority: 100, RegionId: 'cn-hangzhou', Type: 'A', Value: '192.0.2.80', ValueType: type },
		{ Priority: 50, RegionId: '', Type: 'A', Value: address, ValueType: 1 }]);
	const read = async () => (await call(DDOSCOO, 'DescribeSchedulerRules',
		{ RegionId: 'cn-hangzhou', Domain: RuleName, PageNumber: 1, PageSize: 10 })).SchedulerRules?.filter((rule) => rule.RuleName === RuleName);
	const states = (rule) => rule?.Rules.map(({ ValueType, Priority, Status }) => `${ValueType} ${Priority} ${Status}`).join();
	let reply = await call(DDOSCOO, 'CreateSchedulerRule', { RuleName, RuleType: 3, Rules: rules(3) });
	const [made] = await read();
	check(`${name}: CreateSchedulerRule`, made?.Cname === reply.Cname && made.RuleType === '3' && states(made) === '3 100 1,1 50 0', [reply, made]);
	reply = await call(DDOSCOO, 'ModifySchedulerRule', { RuleName, RuleType: 6, Rules: rules(6) });
	reply = await call(DDOSCOO, 'SwitchSchedulerRule', { RuleName, RuleType: 6,
		SwitchData: JSON.stringify([{ Value: '192.0.2.80', State: 0, Interval: -1 }]) });
	const [left] = await read();
	check(`${name}: SwitchSchedulerRule`, left?.Cname === made?.Cname && states(left) === '6 100 0,1 50 1', [reply, left]);
	reply = await call(DDOSCOO, 'DeleteSchedulerRule', { RuleName });
	check(`${name}: DeleteSchedulerRule`, !reply.error && (await read()).length === 0, reply);
	reply = await call(DDOSCOO, 'DeleteSchedulerRule', { RuleName });
	check(`${name}: a second deletion`, reply.error === 'SchedulerRuleNotExist', reply);
}

for (const [name, call] of Object.entries(clients)) {
	let reply = await call(BSS, 'CreateInstance', { ProductCode: 'ddos', ProductType: 'ddoscoo',
		SubscriptionType: 'Subscription', Period: 1, Parameter: plan });
	const id = reply?.Data?.InstanceId;
	check(`${name}: CreateInstance`, id?.startsWith('ddoscoo-cn-'), reply);
	if (!id) {
		continue;
	}
	bought[name] = id;
	reply = await call(DDOSCOO, 'DescribeInstances', { PageNumber: '1', PageSize: '50', InstanceIds: [id] });
	check(`${name}: DescribeInstances`, reply.TotalCount === 1 && reply.Instances[0].Status === 1, reply);
	reply = await call(DDOSCOO, 'ModifyInstanceRemark', { InstanceId: id, Remark: 'a b*c~é+' });
	reply = await call(DDOSCOO, 'DescribeInstances', { PageNumber: '1', PageSize: '1', InstanceIds: [id] });
	check(`${name}: a remark of awkward characters arrives`, reply.Instances?.[0]?.Remark === 'a b*c~é+', reply);
	reply = await call(DDOSCOO, 'CreatePort', { InstanceId: id, FrontendPort: '8080',
		FrontendProtocol: 'tcp', BackendPort: '80', RealServers: [lab.origin.ipv4] });
	check(`${name}: CreatePort`, !reply.error && reply.RequestId, reply);
	reply = await call(DDOSCOO, 'DescribePort', { InstanceId: id, FrontendPort: '8080', FrontendProtocol: 'tcp' });
	check(`${name}: DescribePort`, reply.NetworkRules?.[0]?.RealServers?.[0] === lab.origin.ipv4, reply);
	reply = await call(DDOSCOO, 'ConfigUdpReflect', { InstanceId: id, RegionId: 'cn-hangzhou',
		Config: JSON.stringify({ UdpSports: [17, 11211] }) });
	reply = await call(DDOSCOO, 'DescribeUdpReflect', { InstanceId: id, RegionId: 'cn-hangzhou' });
	check(`${name}: UDP reflection`, reply.UdpSports?.join() === '17,11211', reply);
	reply = await call(DDOSCOO, 'ConfigNetworkRegionBlock', { InstanceId: id,
		Config: JSON.stringify({ RegionBlockSwitch: 'off', Countries: [], Provinces: [11, 12] }) });
	reply = await call(DDOSCOO, 'DescribeNetworkRegionBlock', { InstanceId: id });
	check(`${name}: blocked regions`, reply.Config?.Provinces?.join() === '11,12', reply);
	reply = await call(DDOSCOO, 'DescribePortAutoCcStatus', { InstanceIds: [id] });
	check(`${name}: intelligent protection`, reply.PortAutoCcStatus?.[0]?.Mode === 'normal', reply);
	reply = await call(DDOSCOO, 'ModifyBlockStatus', { InstanceId: id, Status: 'undo', Lines: ['ct', 'cut'] });
	reply = await call(DDOSCOO, 'DescribeBlockStatus', { InstanceIds: [id] });
	check(`${name}: diversion`, reply.StatusList?.[0]?.BlockStatusList?.length === 2, reply);
	reply = await call(DDOSCOO, 'ModifyBlackholeStatus', { InstanceId: id, BlackholeStatus: 'undo' });
	check(`${name}: no blackhole to undo`, reply.error === 'BlackholeNotActive', reply);
	reply = await call(DDOSCOO, 'DescribeInstances', { PageNumber: '1', PageSize: '1', InstanceIds: [id] });
	await schedulerRule(name, call, reply.Instances[0].Ip);
	reply = await call(DDOSCOO, 'ModifyElasticBizBandWidth', { InstanceId: id, ElasticBizBandwidth: 900, Mode: 'day' });
	check(`${name}: burst of clean bandwidth`, !reply.error && reply.RequestId, reply);
	reply = await call(DDOSCOO, 'ModifyElasticBizBandWidth', { InstanceId: id, ElasticBizBandwidth: 901 });
	check(`${name}: nine times of it at most`, reply.error === 'InvalidParameter', reply);
	reply = await call(DDOSCOO, 'ModifyBizBandWidthMode', { InstanceId: id, Mode: 'day' });
	check(`${name}: how it is metered`, !reply.error && reply.RequestId, reply);
	reply = await call(DDOSCOO, 'ModifyElasticBizQps', { InstanceId: id, Mode: 'month', OpsElasticQps: 20000 });
	check(`${name}: burst of requests`, !reply.error && reply.RequestId, reply);
	reply = await call(DDOSCOO, 'ModifyQpsMode', { InstanceId: id, Mode: 'day' });
	check(`${name}: how these are metered`, !reply.error && reply.RequestId, reply);
	reply = await call(DDOSCOO, 'DescribeInstanceSpecs', { InstanceIds: [id] });
	const spec = reply.InstanceSpecs?.[0] ?? {};
	check(`${name}: bursts are told`, spec.ElasticBw === 900 && spec.ElasticBwModel === 'day' &&
		spec.ElasticQps === 20000 && spec.ElasticQpsMode === 'day', reply);
	reply = await call(DDOSCOO, 'CreateAsyncTask', { TaskType: 1, TaskParams: JSON.stringify({ instanceId: id }) });
	check(`${name}: CreateAsyncTask`, !reply.error && reply.RequestId, reply);
	const task = await exported(call, id);
	check(`${name}: the task is done`, task?.TaskStatus === 2 && task.TaskType === 1, task);
	const file = await fetch(JSON.parse(task.TaskResult).url).then((answer) => answer.json());
	check(`${name}: and its link gives the port rules`, file.NetworkRules?.[0]?.FrontendPort === 8080, file);
	reply = await call(DDOSCOO, 'DeleteAsyncTask', { TaskId: task.TaskId });
	check(`${name}: DeleteAsyncTask`, !reply.error && reply.RequestId, reply);
	const answer = await fetch(JSON.parse(task.TaskResult).url);
	check(`${name}: then no more`, answer.status === 404, answer.status);
	reply = await call(DDOSCOO, 'ReleaseInstance', { RegionId: 'cn-hangzhou', InstanceId: id });
	check(`${name}: release before expiry is InstanceNotExpire`, reply.error === 'InstanceNotExpire', reply);
}

execFileSync(polder, ['lab', 'clock', '+32d']);
try {
	for (const [name, call] of Object.entries(clients)) {
		if (!bought[name]) {
			continue;
		}
		let reply = await call(DDOSCOO, 'ReleaseInstance', { RegionId: 'cn-hangzhou', InstanceId: bought[name] });
		check(`${name}: release after expiry`, !reply.error && reply.RequestId, reply);
		reply = await call(DDOSCOO, 'ReleaseInstance', { InstanceId: bought[name] });
		check(`${name}: a second release is InstanceNotFound`, reply.error === 'InstanceNotFound', reply);
	}
} finally {
	execFileSync(polder, ['lab', 'clock', 'reset']);
}
process.exit(failed ? 1 : 0);
