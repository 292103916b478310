/** The number of the agent's routes between hosts in the kernel, as in /etc/iproute2/rt_protos. */
export const directProtocol = 78;

/** That of BIRD's: RTPROT_BIRD of the kernel. */
export const birdProtocol = 12;
