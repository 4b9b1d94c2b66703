/**
 * What a practice host is made of. `root`: a disk image on a loop device, and OpenSSH's sshd. `namespace`: a user namespace of
 * one uid, with a directory as the disk and ssh2's server class, since OpenSSH needs more than one uid for each login.
 */
export type LabKind = 'root' | 'namespace';

/** unshare(1)'s flags for the namespaces of a practice host. Who ends unshare ends everything inside. */
export function unshareFlags(kind: LabKind): string[] {
	return [...(kind === 'root' ? [] : ['--map-root-user']), '--mount', '--pid', '--fork', '--kill-child', '--uts', '--ipc'];
}

/** nsenter(1)'s flags to come into the namespaces of process `pid`. */
export function nsenterFlags(kind: LabKind, pid: number): string[] {
	// In a namespace of one uid setgroups(2) is forbidden, so the credentials stay as they are.
	return ['-t', String(pid), ...(kind === 'root' ? [] : ['-U', '--preserve-credentials']), '-m', '-p', '-u', '-i'];
}
