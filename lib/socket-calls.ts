// The part of the addon that sockets.ts is made of (native/addon/sockets.cpp). Every number
// answered is a descriptor, a count or a negative errno. A place is an address and a port, or a
// path and -1.

/** @internal Kind (4, 6, or 0: a path), address or path, port. */
export type NativeAddress = readonly [number, string, number];

/** @internal */
export interface SocketCalls {
	socketListen(where: string, port: number, backlog: number, reusePort: number): number;
	socketAccept(listener: number): number;
	socketConnect(where: string, port: number): number;
	socketConnectResult(fd: number): number;
	socketAddress(fd: number, peer: number): NativeAddress | number;
	socketPipe(): [number, number] | number;
	socketPair(): [number, number] | number;
	socketRead(fd: number, into: Uint8Array): number;
	socketWrite(fd: number, from: Uint8Array, offset: number, length: number): number;
	/** At most the first 64 parts. */
	socketWriteList(fd: number, parts: readonly Uint8Array[]): number;
	socketShutdown(fd: number, how: number): number;
	socketSetNoDelay(fd: number, on: number): number;
	socketClose(fd: number): number;
}
