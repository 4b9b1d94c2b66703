/** A path within a backup, without what may begin the names there: `/home/ann`, `./home/ann` and `home/ann/` are the same. */
export function plainPath(path: string): string {
	return path
		.split('/')
		.filter((part) => part !== '' && part !== '.')
		.join('/');
}
