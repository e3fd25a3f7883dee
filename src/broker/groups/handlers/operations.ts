export const NO_OPERATIONS = -0x80000000;
/** Kafka's AclOperations of a group: read, delete, describe, describe configs, alter configs. */
export const GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);
