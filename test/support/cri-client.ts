import { Client, credentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Calls one method of containerd's CRI and hands back its answer; rejects with what the runtime said. */
export type CriCall = (
  service: 'RuntimeService' | 'ImageService',
  method: string,
  request: object,
) => Promise<unknown>;

/** A connection to a runtime by its socket. */
export type CriClient = Disposable & { readonly call: CriCall };

/** Time for one call, in milliseconds: a pod takes one second, or several on a machine that is busy. */
const callLimitMs = 60_000;

/** @param socket the path of the runtime's Unix socket */
export function connectCri(socket: string): CriClient {
  const definitions = loadSync(`${import.meta.dirname}/cri.proto`, { enums: String, defaults: true });
  // The authority of a Unix socket is its path, encoded, which containerd's HTTP/2 server refuses.
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
  });
  return {
    call: (service, method, request) => {
      const { [method]: called } = definitions[`runtime.v1.${service}`] as ServiceDefinition;
      if (called === undefined) throw new Error(`cri.proto has no ${service}.${method}`);
      return unary(client, called, request);
    },
    [Symbol.dispose]: () => client.close(),
  };
}

function unary(client: Client, method: ServiceDefinition[string], request: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      { deadline: Date.now() + callLimitMs },
      (error, response) => (error === null ? resolve(response) : reject(error)),
    );
  });
}
