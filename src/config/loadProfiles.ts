/** Reads the profiles of meter models: every file of a folder, each checked, everything wrong told at once. */
import type { Profile, Profiles } from "#domain/profile.ts";
import { ConfigError, type Problem } from "./configError.ts";
import { readFolder, readTextFile, tryRead, type ReadText } from "./environment.ts";
import { profileSchema } from "./profileSchema.ts";
import { parseSettingsFile } from "./yamlFile.ts";

/** More models than any utility has; a folder with more files is the wrong folder. */
const profilesMax = 2_000;

export interface ProfileSources {
  readonly readFile?: ReadText;
  readonly readFolder?: (folder: string) => readonly string[];
}

/** The profiles of all folders, or a ConfigError with file, line and column of every mistake. */
export function loadProfiles(folders: readonly string[], sources: ProfileSources = {}): Profiles {
  const { readFile = readTextFile, readFolder: list = readFolder } = sources;
  const problems: Problem[] = [];
  const profiles = new Map<string, Profile>();
  const files = folders.flatMap((folder) => filesOf(folder, list, problems));
  for (const file of files.slice(0, profilesMax)) {
    const profile = readProfile(file, readFile, problems);
    if (profile === null) continue;
    if (profiles.has(profile.id)) {
      problems.push({ where: file, message: `id: a second profile is named ${profile.id}` });
    }
    profiles.set(profile.id, profile);
  }
  if (files.length > profilesMax) {
    problems.push({ where: folders.join(", "), message: `more than ${profilesMax} profiles` });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.fromEntries(profiles);
}

function filesOf(
  folder: string,
  list: (folder: string) => readonly string[],
  problems: Problem[],
): readonly string[] {
  try {
    const names = list(folder).filter((name) => /\.ya?ml$/.test(name));
    return names.sort().map((name) => `${folder}/${name}`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unreadable";
    problems.push({ where: folder, message: `the folder of profiles cannot be read: ${reason}` });
    return [];
  }
}

function readProfile(file: string, readFile: ReadText, problems: Problem[]): Profile | null {
  const read = tryRead(file, readFile);
  const text = "text" in read ? read.text : undefined;
  if (text === undefined) {
    problems.push({ where: file, message: "failure" in read ? read.failure : "no such file" });
    return null;
  }
  const parsed = parseSettingsFile(file, text);
  if (!("file" in parsed)) {
    problems.push(...parsed.problems);
    return null;
  }
  const checked = profileSchema.safeParse(parsed.file.values);
  if (checked.success) return checked.data;
  for (const { code, path, message, ...issue } of checked.error.issues) {
    const keys = code === "unrecognized_keys" && "keys" in issue ? issue.keys : null;
    const paths = keys === null ? [path] : keys.map((key) => [...path, key]);
    for (const at of paths) {
      const words = keys === null ? message : "this protocol has no such switch";
      const name = at.length === 0 ? "the file" : at.join(".");
      problems.push({ where: parsed.file.whereIs(at), message: `${name}: ${words}` });
    }
  }
  return null;
}
