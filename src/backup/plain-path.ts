/** A path within a backup, without what may begin the names there: `/home/ann`, `./home/ann` and `home/ann/` are the same. */
export function plainPath(path: string): string {
	return path
		.split('/')
		.filter((part) => part !== '' && part !== '.')
		.join('/');
}

/** Whether a plain path is `path`, or lies below it. */
export function isWithin(name: string, path: string): boolean {
	return name === path || name.startsWith(`${path}/`);
}

/** Plain paths, each once, without those below another: tar finds a member for one of its words alone, and tells the others as not there. */
export function outermost(paths: readonly string[]): string[] {
	return [...new Set(paths)].filter((path) => !paths.some((other) => other !== path && isWithin(path, other)));
}
