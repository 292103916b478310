/** The number of the agent's routes between hosts in the kernel, as in /etc/iproute2/rt_protos. */
export const directProtocol = 78;
