import type { Format } from './config.ts';
import { curatorLayout } from './curator.ts';
import type { Layout } from './layout.ts';
import { registratorLayout } from './registrator.ts';

export function layoutOf(format: Format): Layout {
  return format.kind === 'curator' ? curatorLayout(format.payload) : registratorLayout;
}
