// The one file that users of the client import.

export { type Strategy, strategies } from '../balance/strategy.ts';
export type { BreakerSettings } from './breaker.ts';
export type { CallOptions, PickOptions } from './call.ts';
export { type ClientOptions, createClient, type FairleadClient } from './client.ts';
export type { ClientTls } from './connection.ts';
export {
  AgentFailure,
  AllFailed,
  CallTimedOut,
  ClientClosed,
  type FailedTry,
  NoHealthyInstance,
  RateLimited,
} from './errors.ts';
export type { Registration, RegistrationRequest } from './registration.ts';
export type { CallReport } from './reporter.ts';
export type { ServiceInstance } from './service-instance.ts';
