/** The files of the reading store as its writers and readers see them. Every call may throw the system's own error. */

export interface DiskFile {
  /** Appends all of the bytes. */
  write(bytes: Uint8Array): void;
  /** Fills `into` from the place on; returns how many bytes there were. */
  read(into: Uint8Array, atByte: number): number;
  sizeBytes(): number;
  /** Returns when everything written is on the medium. */
  sync(): void;
  close(): void;
}

export interface Disk {
  /** A new empty file; one of the same name is emptied. */
  create(path: string): DiskFile;
  open(path: string): DiskFile;
  /** Atomic; replaces a file of the new name. */
  rename(from: string, to: string): void;
  remove(path: string): void;
  makeFolder(path: string): void;
  /** Names and renames in the folder are on the medium when it returns. */
  syncFolder(path: string): void;
  /** Names of the folder's files, sorted. */
  list(path: string): readonly string[];
}
