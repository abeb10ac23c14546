/** `npm run corpus -- --dir DIR`: the score of every file of frames with known answers. */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { kindNames } from "./kinds.ts";
import { scoreLines } from "./print.ts";
import { scoreDirectory } from "./score.ts";

const help = `npm run corpus -- --dir DIR [options]

Judges every file of frames with known answers in a directory, value by value, exactly. A file is one JSON
object a line: id, protocol, hex, expected, and where needed key, authKey, systemTitle, iv, framing,
precedingHex, encodeVector, disputed. The beginning of its name says of which kind it is.

  --dir DIR          where the files are; default: MERCAPTAN_CORPORA, else ../shared/corpora
  --protocol NAME    files of this kind only: ${kindNames.join(", ")}
  --show-different   everything that differs, with whole values and frames
  --json             one JSON object
  --help             this text

Counted apart, with the reason: what is disputed, where the publisher is known to be wrong, what only a
maker can read. A line that is no row is told with its number. Ends with 1 when anything else differs,
with 2 for bad usage.
`;

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: process.env["MERCAPTAN_CORPORA"] ?? "../shared/corpora" },
    protocol: { type: "string" },
    "show-different": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const only = kindNames.find((kind) => kind === values.protocol);
if (values.help) {
  process.stdout.write(help);
} else if (values.protocol !== undefined && only === undefined) {
  refuse(`no kind ${values.protocol}`);
} else if (!existsSync(values.dir)) {
  refuse(`no directory ${values.dir}`);
} else {
  const score = scoreDirectory(values.dir, only);
  const isRight = score.files.every(({ different }) => different.length === 0);
  const lines = scoreLines(score, { isAll: values["show-different"] });
  const text = values.json
    ? JSON.stringify({ dir: values.dir, isRight, ...score }, null, 2)
    : lines.join("\n");
  process.stdout.write(`${text}\n`);
  process.exitCode = isRight ? 0 : 1;
}

function refuse(why: string): void {
  process.stderr.write(`${why}\n\n${help}`);
  process.exitCode = 2;
}
