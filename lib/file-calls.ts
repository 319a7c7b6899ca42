// The part of the addon that is about files.

/** @internal Stamps are pairs of seconds and nanoseconds in the column `object`: a, m, c. */
export interface FileCalls {
	/** Stands for the address of a file_obj_t: unlike any other of this process. */
	fileKey(): number;
	fileAssociate(handle: number, key: number, path: string, events: number, user: number): number;
	fileDissociate(handle: number, key: number): number;
	fileStamps(path: string, follow: boolean): number;
}
