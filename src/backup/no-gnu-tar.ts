import { BsdupError } from '../errors.ts';

/** Volumes of `tar -M` where there is no GNU tar: any other tar restores wrong contents without a word (F:C). */
export function noGnuTar(where: string): BsdupError {
	return new BsdupError({
		code: 'E_NO_GNU_TAR',
		message: `${where} has no GNU tar, and any other corrupts files that span volumes without a word`,
		state: 'Nothing was written.',
		next: [
			'install it there from the packages, as gtar (after an upgrade: refresh the packages first)',
			'put a static one beside the volumes, under the name gtar',
		],
	});
}
