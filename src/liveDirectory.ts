/** The registry and the credentials as the listeners look them up, kept current by the engine's commits. */
import type { DirectoryChange } from "#engine/messages.ts";
import type { Meter } from "#domain/meter.ts";
import type { IntakeDirectory } from "#ports/intake.ts";
import type { CredentialRow, Directory } from "#ports/ledger.ts";

/** What the listeners look up; who is told outside is none of their business. */
type Told = "webhooks" | "removedWebhooks" | "recipients" | "removedRecipients";
type Change = Omit<DirectoryChange, Told>;
type Secret = Omit<CredentialRow, "username">;

export class LiveDirectory implements IntakeDirectory {
  readonly #byId = new Map<string, Meter>();
  readonly #byNo = new Map<number, Meter>();
  readonly #byAddress = new Map<string, Meter>();
  readonly #byCarrierAddress = new Map<string, Meter>();
  readonly #gateways = new Map<string, ReadonlySet<string>>();
  readonly #secrets = new Map<string, readonly Secret[]>();

  constructor(directory: Omit<Directory, Told>) {
    this.apply({ ...directory, revoked: [], revokedApiKeys: [] });
  }

  apply(change: Change): void {
    for (const username of change.revoked) this.#secrets.delete(username);
    for (const meter of change.meters) this.#put(meter);
    for (const { id, meterIds } of change.gateways) this.#gateways.set(id, new Set(meterIds));
    for (const { username, kind, secretHash } of change.credentials) {
      this.#secrets.set(username, [...this.secretHashes(username), { kind, secretHash }]);
    }
  }

  #put(meter: Meter): void {
    const before = this.#byNo.get(meter.no);
    if (before !== undefined) {
      forget(this.#byAddress, before.frameAddress, meter.no);
      forget(this.#byCarrierAddress, before.carrierAddress, meter.no);
    }
    this.#byNo.set(meter.no, meter);
    this.#byId.set(meter.id, meter);
    if (meter.frameAddress !== null) this.#byAddress.set(meter.frameAddress, meter);
    if (meter.carrierAddress !== null) this.#byCarrierAddress.set(meter.carrierAddress, meter);
  }

  /** The whole registry, as it is at this moment. */
  meters(): Iterable<Meter> {
    return this.#byNo.values();
  }

  meterById(id: string): Meter | undefined {
    return this.#byId.get(id);
  }

  meterByNo(no: number): Meter | undefined {
    return this.#byNo.get(no);
  }

  meterByFrameAddress(address: string): Meter | undefined {
    return this.#byAddress.get(address);
  }

  meterByCarrierAddress(address: string): Meter | undefined {
    return this.#byCarrierAddress.get(address);
  }

  secretHashes(username: string): readonly Secret[] {
    return this.#secrets.get(username) ?? [];
  }

  gatewayMeters(gatewayId: string): ReadonlySet<string> | undefined {
    return this.#gateways.get(gatewayId);
  }
}

/** An address that a meter no longer has, unless another one got it earlier in the same batch. */
function forget(meters: Map<string, Meter>, address: string | null, meterNo: number): void {
  if (address !== null && meters.get(address)?.no === meterNo) meters.delete(address);
}
