/** Where the e2e tier keeps its own LXD: daemon, storage, images. Nothing of another LXD on the machine is touched. */
export const FOLDER = '/var/lib/fdt-lxd';

/** The bridge of the containers; 10.213.77.1 is this machine. No traffic of it is passed on. */
export const BRIDGE = { name: 'fdtbr0', network: '10.213.77' };
