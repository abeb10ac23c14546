/** docs/CONFIGURATION.md as the schema says it; a test keeps the two equal. */
import { configFileVariable, groups, settings, type Setting } from "./settings.ts";

const introduction = `# Settings

Without any setting the program serves on loopback and keeps its data in \`./data\`. A setting comes from the file
\`mercaptan.yaml\`, is overridden by its environment variable, and that by its flag. The file is \`./mercaptan.yaml\`
where it exists, or the one named by \`--config\` or \`${configFileVariable}\`. Keys that do not exist are refused with line
and column. An empty variable counts as not set. Lists are comma-separated in variables and flags. A secret is always
a file, never a value. This page is generated from \`src/config/schema.ts\`.
`;

/** The whole page in Markdown. */
export function referencePage(): string {
  const top = settings.filter((setting) => !setting.path.includes("."));
  const sections = [...groups].map(([path, description]) => {
    const inGroup = settings.filter((setting) => groupOf(setting) === path);
    return [`## ${path}`, description, ...inGroup.map(entry)].join("\n\n");
  });
  return [introduction, ...top.map(entry), ...sections].join("\n\n");
}

function groupOf(setting: Setting): string {
  return setting.path.slice(0, setting.path.lastIndexOf("."));
}

function entry(setting: Setting): string {
  const { path, description, variable, flag, allowed, defaultText, isFileOnly } = setting;
  const elsewhere = isFileOnly
    ? "In the file only."
    : `Variable \`${variable}\`, flag \`${flag}\`.`;
  return [
    `### \`${path}\``,
    description,
    `Allowed: ${allowed}. Default: \`${defaultText}\`. ${elsewhere}`,
  ].join("\n\n");
}
