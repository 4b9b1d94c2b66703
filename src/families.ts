/**
 * Milliseconds that one address of a name is given before the next is tried in its place: a dead address family costs so much a
 * connection (RFC 8305). Node gives up the first for good then, and by itself after 250: a host that is further away than that, or whose
 * first packet was lost (asked again after a second, RFC 6298), would never be reached where its other address is of no use here.
 */
export const FAMILY_MS = 2_000;
