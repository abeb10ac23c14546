/**
 * Which addresses may be called. What a person types as a webhook must not reach into our own network: only public
 * unicast addresses are called, unless the settings name the host. The address that is connected to is looked at, not
 * the name, so a name that changes its address in between gains nothing.
 */
import { BlockList, isIP, isIPv4 } from "node:net";
import { lookup as systemLookup, type LookupAddress, type LookupOptions } from "node:dns";

/** IANA's special-purpose registry for IPv4, and multicast. */
const notPublic4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];
/** Inside 2000::/3, what is no ordinary address or carries an IPv4 address in itself. */
const notPublic6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const refused = new BlockList();
for (const [network, prefix] of notPublic4) refused.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of notPublic6) refused.addSubnet(network, prefix, "ipv6");
const unicast6 = new BlockList();
unicast6.addSubnet("2000::", 3, "ipv6");

/** True for an address on the public internet; whatever is unclear is not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refused.check(address, "ipv4");
  if (isIP(address) !== 6) return false;
  return unicast6.check(address, "ipv6") && !refused.check(address, "ipv6");
}

/** The name or address was refused before anything was sent. */
export class AddressRefusedError extends Error {
  override readonly name = "AddressRefusedError";
  readonly code = "ADDRESS_REFUSED";
}

type LookupDone = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

type Lookup = (hostname: string, options: LookupOptions, done: LookupDone) => void;

/** Like the system's look-up, without the addresses that may not be called. */
export function publicLookup(resolve: Lookup = systemLookup): Lookup {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, []);
      const list = Array.isArray(found) ? found : [];
      // One private address among public ones is an attempt, not a fault.
      const [first] = list;
      if (first === undefined || !list.every(({ address }) => isPublicAddress(address))) {
        return done(new AddressRefusedError("the name leads to an address that is not public"), []);
      }
      return options.all === true ? done(null, list) : done(null, first.address, first.family);
    });
  };
}

/** Why this text is no address for a webhook; null: it may be one. */
export function urlFault(text: string, allowedHosts: readonly string[]): string | null {
  if (!URL.canParse(text)) return "not an address";
  const { protocol, username, password, hash, hostname } = new URL(text);
  if (protocol !== "https:" && protocol !== "http:") return "must begin with https://";
  if (username !== "" || password !== "") return "must not hold a user name or password";
  if (hash !== "") return "must not have a part behind #";
  const isAllowed = allowedHosts.includes(hostname.toLowerCase());
  if (isAllowed) return null;
  if (protocol === "http:") return "must begin with https://, unless the settings allow the host";
  const literal = bare(hostname);
  if (isIP(literal) !== 0 && !isPublicAddress(literal)) return "the address is not public";
  return null;
}

/** Without the brackets of an IPv6 address in a URL. */
export function bare(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}
