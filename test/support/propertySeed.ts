/** Every property begins with the same seed, so that a run repeats; another one is given by the environment. */
import fc from "fast-check";

/** Of the ordinary suite. */
const usualSeed = 20_261_128;

const named = process.env["MERCAPTAN_PROPERTY_SEED"];
const seed = named === undefined ? usualSeed : Number(named);
if (!Number.isInteger(seed)) throw new TypeError(`MERCAPTAN_PROPERTY_SEED: ${named} is no seed`);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
