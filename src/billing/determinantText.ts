/** The canonical text of a determinant: what its content hash is made of. */
import type { BaseVolume, Consumption, InstantRegister } from "#domain/billing.ts";

/** Names the order and meaning of what follows; another order gets another name. */
const version = "mercaptan determinant 1";

/** A JSON array in a fixed order, times in milliseconds since 1970, volumes in whole millilitres. */
export function determinantText(determinant: Consumption): string {
  const { meterId, area, fromMs, toMs, opening, closing, volumeMl, segments } = determinant;
  const { quality, estimatedMillionths, openConflicts, flags, standing, base } = determinant;
  return JSON.stringify([
    version,
    [meterId, area, fromMs, toMs],
    registerParts(opening),
    registerParts(closing),
    volumeMl,
    segments.map((part) => [
      part.fromMs,
      part.toMs,
      part.openingMl,
      part.closingMl,
      part.volumeMl,
      part.rollovers,
      part.serial,
    ]),
    [quality, estimatedMillionths, openConflicts, flags, standing],
    ...(base === null ? [] : [baseParts(base)]),
  ]);
}

/** Only where a volume is converted. */
function baseParts({ volumeMl, parts }: BaseVolume): readonly unknown[] {
  return [
    volumeMl,
    parts.map(({ fromMs, toMs, rawMl, volumeMl, conversion }) => [
      fromMs,
      toMs,
      rawMl,
      volumeMl,
      conversion.gasPressurePa,
      conversion.gasTemperatureCentiK,
      conversion.basePressurePa,
      conversion.baseTemperatureCentiK,
      conversion.compressibilityMillionths,
      conversion.method,
    ]),
  ];
}

function registerParts(register: InstantRegister | null): readonly unknown[] | null {
  if (register === null) return null;
  const { atMs, indexMl, measuredAtMs, quality, method, inputs } = register;
  const between =
    inputs === null
      ? null
      : [
          inputs.fromMs,
          inputs.toMs,
          inputs.fromIndexMl,
          inputs.toIndexMl,
          inputs.passedMl,
          inputs.by,
          inputs.weeks,
        ];
  return [atMs, indexMl, measuredAtMs, quality, method, between];
}
