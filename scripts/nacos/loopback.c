/* Preloaded, this keeps Nacos to the machine's loopback. What its hosts talk with among themselves listens on every
 * address, and what is persistent is tried by TCP at whatever address it has; no setting says otherwise. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>

typedef int (*socket_call)(int, const struct sockaddr *, socklen_t);

/* Java prefers IPv4 here, so that the wildcard is 0.0.0.0 alone. */
int bind(int socket, const struct sockaddr *address, socklen_t length) {
  socket_call next = (socket_call)dlsym(RTLD_NEXT, "bind");
  const struct sockaddr_in *wanted = (const struct sockaddr_in *)address;
  if (address->sa_family == AF_INET && wanted->sin_addr.s_addr == htonl(INADDR_ANY)) {
    struct sockaddr_in narrowed = *wanted;
    narrowed.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return next(socket, (const struct sockaddr *)&narrowed, sizeof narrowed);
  }
  return next(socket, address, length);
}

int connect(int socket, const struct sockaddr *address, socklen_t length) {
  socket_call next = (socket_call)dlsym(RTLD_NEXT, "connect");
  const struct sockaddr_in *wanted = (const struct sockaddr_in *)address;
  if (address->sa_family == AF_INET && ntohl(wanted->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) {
    errno = ENETUNREACH;
    return -1;
  }
  return next(socket, address, length);
}
