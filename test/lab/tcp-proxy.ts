import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire between the controller and a practice host that can be cut: then both sides hear nothing, not even an end. */
export interface Wire {
	port: number;
	cut(): void;
	mend(): void;
	/** Ends every connection with a reset; new ones are taken. */
	drop(): void;
	/** Called with the number of each piece of data before it is passed on, both directions counted together. */
	onPiece: (piece: number) => void;
	close(): void;
}

/** How long the wire is: what goes in comes out `ms` later, each `nth` piece `stallMs` after that, as when a packet is lost and sent again. */
export interface Length {
	ms: number;
	nth: number;
	stallMs: number;
}

/** Forwards a free loopback port to `target`. */
export async function stretchWire(target: () => number, length?: Length): Promise<Wire> {
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
			let pieces = 0;
			let free = 0;
			/** In the order in which they came, whatever stalls. */
			const later = (act: () => void): void => {
				if (length === undefined) {
					act();
					return;
				}
				pieces++;
				free = Math.max(free, Date.now() + length.ms + (pieces % length.nth === 0 ? length.stallMs : 0));
				setTimeout(act, free - Date.now());
			};
			from.on('data', (bytes) => {
				wire.onPiece(++passed);
				later(() => lives && to.write(bytes));
			});
			from.on('end', () => later(() => lives && to.end()));
			from.on('close', () => later(() => lives && to.destroy()));
		};
		pass(near, far);
		pass(far, near);
	});
	const cuts = new Set<() => void>();
	let passed = 0;
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const wire: Wire = {
		port: (server.address() as AddressInfo).port,
		onPiece: () => {},
		cut() {
			whole = false;
			for (const cut of cuts) cut();
			cuts.clear();
		},
		mend() {
			whole = true;
		},
		drop() {
			for (const socket of sockets) socket.resetAndDestroy();
		},
		close() {
			for (const socket of sockets) socket.destroy();
			server.close();
		},
	};
	return wire;
}
