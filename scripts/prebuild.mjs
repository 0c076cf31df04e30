// Builds the addon for the running Node and puts it in prebuilds/, under the name of its ABI.
import { join } from 'node:path';
import { buildAddonHere, placePrebuild, root } from './addon.mjs';

buildAddonHere();
const addon = join(root, 'build', 'Release', 'codecell.node');
console.log(placePrebuild(addon, process.versions.modules));
