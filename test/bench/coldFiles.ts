/** Files that are to be read from the medium again: their pages are dropped from the page cache. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Takes folders, a line each, and answers each with whether the pages of all its files were dropped. */
const script = `while IFS= read -r folder; do
  dropped=true
  for file in "$folder"/*; do
    [ ! -f "$file" ] || dd if="$file" iflag=nocache count=0 status=none || dropped=false
  done
  echo "$dropped"
done`;

/**
 * With `dd`, for Node has no way to say it, and by a shell that is started while this process is small: to fork one of
 * a gigabyte for every file took a twelfth of the CPU time of a whole measurement. Files in memory stay there. Pages
 * that are not written yet stay as well, which those of segments are not: they were synced.
 */
export class ColdFiles {
  readonly #shell = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "ignore"] });
  readonly #answers = createInterface({ input: this.#shell.stdout })[Symbol.asyncIterator]();

  constructor() {
    // Without a shell its output ends, and nothing is forgotten.
    for (const part of [this.#shell, this.#shell.stdin]) part.on("error", () => undefined);
  }

  /** Drops the pages of the files in the folder; false where that cannot be done. */
  async forget(folder: string): Promise<boolean> {
    this.#shell.stdin.write(`${folder}\n`);
    const { value } = await this.#answers.next();
    return value === "true";
  }

  close(): void {
    this.#shell.stdin.end();
  }
}
