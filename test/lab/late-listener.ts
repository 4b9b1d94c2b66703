import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

const PYTHON = '/usr/bin/python3';
/** Node takes every connection at once; another program has to be slow. */
export const canBeLate = existsSync(PYTHON);

/** Its queue is full for 0.7 s, so that the kernel drops what comes, and whoever asks again after a second (RFC 6298) is let through. */
const PROGRAM = `import socket, sys, threading, time
s = socket.socket()
s.bind(("127.0.0.1", 0)); s.listen(0)
fill = [socket.socket() for _ in range(2)]
for one in fill:
    one.setblocking(False)
    one.connect_ex(s.getsockname())
print(s.getsockname()[1], flush=True)
time.sleep(0.7)
for one in fill: one.close()
def pour(a, b):
    try:
        while True:
            data = a.recv(65536)
            if not data: break
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError: pass
while True:
    near, _ = s.accept()
    far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    for a, b in (near, far), (far, near): threading.Thread(target=pour, args=(a, b), daemon=True).start()
`;

/** Listens on 127.0.0.1 and answers a first connection only after a second, as a host far away does; passes all on to port `target`. */
export async function listenLate(target: number): Promise<{ port: number; close: () => void }> {
	const child = spawn(PYTHON, ['-c', PROGRAM, String(target)], { stdio: ['ignore', 'pipe', 'inherit'] });
	const [port] = await once(child.stdout, 'data');
	return { port: Number(String(port)), close: () => void child.kill('SIGKILL') };
}
