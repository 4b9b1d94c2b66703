import { localTransport } from '../../src/transport/local.ts';
import { testTransport } from './transport.ts';

testTransport('this machine', async () => localTransport({ become: 'none' }));
