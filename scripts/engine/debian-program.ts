/**
 * Owns what differs between the servers that are installed from Debian packages: names, folders, and how one is
 * asked whether it runs.
 */
export interface DebianProgram {
  /** The executable. */
  name: string;
  /** Its folder in the project's cache. */
  folder: string;
  package: string;
  /** Asks for nothing but words; the answer must hold `pattern`, which may capture the version. */
  probe: { args: readonly string[]; pattern: RegExp };
  /** Keep the libraries that the server is linked with, and leave the rest of what the packages bring. */
  onlyLinkedLibraries: boolean;
  /** What a user does who cannot have it installed. */
  remedy: string;
}

export const LLAMA_SERVER: DebianProgram = {
  name: 'llama-server',
  folder: 'llama',
  package: 'llama.cpp-tools',
  probe: { args: ['--version'], pattern: /^version: (.+)$/m },
  onlyLinkedLibraries: false,
  remedy: 'set LLAMA_SERVER_BIN to a llama-server of your own, or put one on the PATH',
};

/** Its package depends on those of ffmpeg, SDL and Mesa: 500 MB, of which the server is linked with a third. */
export const WHISPER_SERVER: DebianProgram = {
  name: 'whisper-server',
  folder: 'whisper',
  package: 'whisper.cpp-tools',
  probe: { args: ['--help'], pattern: /^usage: /m },
  onlyLinkedLibraries: true,
  remedy: 'put a whisper-server of your own on the PATH',
};
