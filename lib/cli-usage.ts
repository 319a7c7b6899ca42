// Errors that are the caller's: shown with a hint, without a stack, exit code 2.

export class UsageError extends Error {}

/** Whether the arguments were wrong, by our own checks or by parseArgs. */
export function isUsageError(error: unknown): error is Error {
	if (error instanceof UsageError) return true;
	const { code = '' } = error as NodeJS.ErrnoException;
	return error instanceof TypeError && code.startsWith('ERR_PARSE_ARGS');
}
