// The part of the addon that is about files.

/** @internal Stamps are pairs of seconds and nanoseconds in the column `object`: a, m, c. */
export interface FileCalls {
	/**
	 * The first of `count` numbers, 16 apart, that stand for addresses of file_obj_t: unlike any
	 * other of this process.
	 */
	fileKeys(count: number): number;
	/**
	 * `standing`: not spent by its events. 1: there was an association before (`known`), which an
	 * exception has ended that may still be queued.
	 */
	fileAssociate(
		handle: number,
		key: number,
		path: string,
		events: number,
		user: number,
		standing: boolean,
		known: boolean,
	): number;
	/** 1: its event was retrieved already, and it is forgotten all the same. */
	fileDissociate(handle: number, key: number): number;
	fileStamps(path: string, follow: boolean): number;
}
