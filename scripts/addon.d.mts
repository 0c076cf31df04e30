/** The file of the addon that is prebuilt for an ABI of Node on this platform. */
export function prebuildPath(abi: string): string;
