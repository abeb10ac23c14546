/** One thing that is wrong, with where it stands: file:line:column, a variable or a flag. */
export interface Problem {
  readonly where: string;
  readonly message: string;
}

/** The settings cannot be used; lists everything that is wrong, not only the first. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "CONFIG_INVALID";
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[], options?: ErrorOptions) {
    const lines = problems.map((problem) => `  ${problem.where}: ${problem.message}`);
    super(`CONFIG_INVALID: the settings cannot be used\n${lines.join("\n")}`, options);
    this.problems = problems;
  }
}
