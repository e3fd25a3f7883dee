/** The broker under test, as a process of its own. */
export * from '../../support/brokerProcess.ts';
