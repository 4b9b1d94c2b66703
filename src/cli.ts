#!/usr/bin/env node
import { execute } from '@oclif/core';
import { passOverHangUp } from './cli/stop-signal.ts';

passOverHangUp();
await execute({ dir: import.meta.url });
