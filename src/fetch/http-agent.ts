import tls from 'node:tls';
import type { Dispatcher } from 'undici';
import { FAMILY_MS } from '../families.ts';

let agent: { for: string; dispatcher: Dispatcher } | undefined;

/** Loaded with the first request: it is a quarter of the time in which bsdup starts, and what asks no mirror needs it not. */
export const undiciModule = () => import('undici');

/**
 * What opens http(s) connections: through the proxies that the environment names (http_proxy, https_proxy, no_proxy), over both
 * address families, with certificates checked against Node's authorities and, where this Node can ask for them, the system's.
 */
export async function httpAgent(connectMs: number): Promise<Dispatcher> {
	const { EnvHttpProxyAgent } = await undiciModule();
	const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];
	const key = JSON.stringify([connectMs, ...names.map((name) => process.env[name])]);
	if (agent?.for === key) return agent.dispatcher;
	const proxies = { ...proxyNamed('httpProxy', 'http_proxy'), ...proxyNamed('httpsProxy', 'https_proxy') };
	const ca = authorities();
	const secure = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: FAMILY_MS, ...(ca === undefined ? {} : { ca }) };
	const connect = { timeout: connectMs, ...secure };
	agent = {
		for: key,
		// Plain http goes to a proxy as a plain request: most allow CONNECT to the port of https only.
		dispatcher: new EnvHttpProxyAgent({ ...proxies, connect, requestTls: secure, proxyTls: secure, proxyTunnel: false, bodyTimeout: 0 }),
	};
	return agent.dispatcher;
}

/** A proxy of the environment as the client takes it: `HOST:PORT` alone, as curl(1) takes it too, is one of http. Throws where it is none. */
function proxyNamed(option: 'httpProxy' | 'httpsProxy', name: string): { httpProxy?: string; httpsProxy?: string } {
	const text = process.env[name] ?? process.env[name.toUpperCase()];
	if (text === undefined || text === '') return {};
	const url = /^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`;
	// What it says may be a password.
	if (!URL.canParse(url)) throw new Error(`${name} in the environment is no URL of a proxy`);
	return { [option]: url };
}

/** Node's own authorities, NODE_EXTRA_CA_CERTS and the system's; undefined = Node cannot tell the last and decides itself. */
function authorities(): string[] | undefined {
	const { getCACertificates: get } = tls as { getCACertificates?: (kind: 'default' | 'system') => string[] };
	return get === undefined ? undefined : [...new Set([...get('default'), ...get('system')])];
}
