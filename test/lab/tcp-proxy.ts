import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire between the controller and a practice host that can be cut: then both sides hear nothing, not even an end. */
export interface Wire {
	port: number;
	cut(): void;
	mend(): void;
	close(): void;
}

/** Forwards a free loopback port to `target`. */
export async function stretchWire(target: () => number): Promise<Wire> {
	let whole = true;
	const sockets = new Set<Socket>();
	const keep = (socket: Socket): void => {
		sockets.add(socket);
		socket.on('error', () => socket.destroy());
		socket.on('close', () => sockets.delete(socket));
	};
	const server = createServer((near) => {
		keep(near);
		if (!whole) return;
		const far = connect(target(), '127.0.0.1');
		keep(far);
		const pass = (from: Socket, to: Socket): void => {
			// A pair cut once stays silent for ever, as a connection whose state is lost does.
			let lives = true;
			cuts.add(() => {
				lives = false;
			});
			from.on('data', (bytes) => lives && to.write(bytes));
			from.on('end', () => lives && to.end());
			from.on('close', () => lives && to.destroy());
		};
		pass(near, far);
		pass(far, near);
	});
	const cuts = new Set<() => void>();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		port: (server.address() as AddressInfo).port,
		cut() {
			whole = false;
			for (const cut of cuts) cut();
			cuts.clear();
		},
		mend() {
			whole = true;
		},
		close() {
			for (const socket of sockets) socket.destroy();
			server.close();
		},
	};
}
