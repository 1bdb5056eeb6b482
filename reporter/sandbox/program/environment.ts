// Owns which variables a sandboxed server gets: what programs, languages and accelerators need, and what its manifest sets.

/** Anything else of the host's environment (tokens, agents' sockets, a desktop's session) is not the server's. */
const PASSED_ON =
  /^(PATH|LANG|LANGUAGE|LC_.*|TZ|LD_LIBRARY_PATH|OMP_.*|(CUDA|NVIDIA|HIP|ROCR|ROCM|HSA|GPU|GGML|SYCL|ZE|ZES|ONEAPI|VK)_.*)$/;

export function sandboxEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  named: readonly string[],
): Record<string, string> {
  // Home folders are hidden; programs that keep something there keep it for as long as the sandbox lives.
  const environment: Record<string, string> = { HOME: '/tmp' };
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && (PASSED_ON.test(name) || named.includes(name))) environment[name] = value;
  }
  return environment;
}
