/* EFI_HTTP_PROTOCOL, which GNU-EFI's headers do not have. */
#include "boot/efi/http.h"
#include "boot/efi/path.h"
#include "kernel/bits.h"
#include <string.h>

#define PATH_NODES_MAX  64
#define URI_SUBTYPE     24
#define IPV4_SUBTYPE    12
#define ANSWER_TRIES    500u
#define ANSWER_STALL_US 10000u /* with the tries: five seconds */
#define PIECES_MAX      64u
#define CONNECTION_MS   5000u

enum { HTTP_1_1 = 1, METHOD_GET = 0, STATUS_200 = 3 };

struct service_binding {
	EFI_STATUS (EFIAPI *create)(struct service_binding *, EFI_HANDLE *);
	EFI_STATUS (EFIAPI *destroy)(struct service_binding *, EFI_HANDLE);
};

struct access_point {
	BOOLEAN use_default;
	UINT8 address[4], mask[4];
	UINT16 port;
};

struct config {
	UINT32 version, timeout_ms;
	BOOLEAN is_ipv6;
	struct access_point *ipv4;
};

struct request { UINT32 method; CHAR16 *url; };
struct response { UINT32 status; };
struct header { const char *name, *value; };

struct message {
	void *data; /* request or response; NULL: more of the same answer */
	UINTN headers_n;
	struct header *headers;
	UINTN body_bytes;
	void *body;
};

struct token {
	EFI_EVENT event;
	EFI_STATUS status;
	struct message *message;
};

struct http {
	EFI_STATUS (EFIAPI *mode)(struct http *, struct config *);
	EFI_STATUS (EFIAPI *configure)(struct http *, const struct config *);
	EFI_STATUS (EFIAPI *request)(struct http *, struct token *);
	EFI_STATUS (EFIAPI *cancel)(struct http *, struct token *);
	EFI_STATUS (EFIAPI *response)(struct http *, struct token *);
	EFI_STATUS (EFIAPI *poll)(struct http *);
};

/* What the path of the application says of how it came. */
struct origin {
	char url[PATH_MAX_CHARS];
	UINT8 address[4]; /* ours; 0: not told */
};

/* The bytes that follow a node's head. */
static void take_node(const EFI_DEVICE_PATH *node, size_t bytes, struct origin *o)
{
	const char *text = (const char *)(node + 1);
	size_t n = bytes - sizeof(*node);

	if (DevicePathType(node) != MESSAGING_DEVICE_PATH)
		return;
	if (DevicePathSubType(node) == URI_SUBTYPE && n && n < PATH_MAX_CHARS) {
		memcpy(o->url, text, n);
		o->url[n] = 0;
	}
	if (DevicePathSubType(node) == IPV4_SUBTYPE && n >= sizeof(o->address))
		memcpy(o->address, text, sizeof(o->address));
}

static void take_path(const EFI_DEVICE_PATH *node, struct origin *o)
{
	for (unsigned i = 0; node && i < PATH_NODES_MAX && !IsDevicePathEndType(node); i++) {
		size_t bytes = (size_t)DevicePathNodeLength(node);

		if (bytes < sizeof(*node))
			return;
		take_node(node, bytes, o);
		node = (const EFI_DEVICE_PATH *)(const void *)((const char *)node + bytes);
	}
}

/* The network card's service, which makes instances of the protocol. */
static struct service_binding *find_service(const struct app *app, struct origin *o)
{
	static EFI_GUID path_guid = EFI_DEVICE_PATH_PROTOCOL_GUID;
	static EFI_GUID guid = { 0xbdc8e6af, 0xd9bc, 0x4379, { 0xa7, 0x2a, 0xe0, 0xc4, 0xe7, 0x5d, 0xae, 0x1c } };
	EFI_DEVICE_PATH *path;
	EFI_HANDLE card;
	void *found;

	if (app->bs->HandleProtocol(app->loaded->DeviceHandle, &path_guid, &found) != EFI_SUCCESS)
		return NULL;
	path = found;
	take_path(path, o);
	take_path(app->loaded->FilePath, o);
	if (!o->url[0] || app->bs->LocateDevicePath(&guid, &path, &card) != EFI_SUCCESS ||
	    app->bs->HandleProtocol(card, &guid, &found) != EFI_SUCCESS)
		return NULL;
	return found;
}

/* Waits until a token is done; EFI_TIMEOUT, and it is cancelled. */
static EFI_STATUS finish(const struct app *app, struct http *http, struct token *t)
{
	for (unsigned i = 0; i < ANSWER_TRIES; i++) {
		http->poll(http);
		if (app->bs->CheckEvent(t->event) == EFI_SUCCESS)
			return t->status;
		app->bs->Stall(ANSWER_STALL_US);
	}
	http->cancel(http, t);
	return EFI_TIMEOUT;
}

static EFI_STATUS ask(const struct app *app, struct http *http, struct token *t, CHAR16 *url, const char *host)
{
	struct header headers[] = { { "Host", host }, { "Accept", "*/*" }, { "User-Agent", "Portcullis" } };
	struct request request = { METHOD_GET, url };
	struct message m = { .data = &request, .headers_n = ARRAY_LEN(headers), .headers = headers };
	EFI_STATUS s;

	t->message = &m;
	s = http->request(http, t);
	return s == EFI_SUCCESS ? finish(app, http, t) : s;
}

/* The answer in as many pieces as it comes; only the first has a status. Firmware's copies of headers stay. */
static size_t receive(const struct app *app, struct http *http, struct token *t, uint8_t *to, size_t room)
{
	struct response response = { 0 };
	size_t got = 0;

	for (unsigned i = 0; i < PIECES_MAX && got < room; i++) {
		struct message m = { .data = i ? NULL : &response, .body_bytes = room - got, .body = to + got };

		t->message = &m;
		t->status = EFI_NOT_READY;
		if (http->response(http, t) != EFI_SUCCESS || finish(app, http, t) != EFI_SUCCESS || !m.body_bytes)
			break;
		got += m.body_bytes;
	}
	return response.status == STATUS_200 ? got : 0;
}

static size_t fetch(const struct app *app, struct http *http, const char *url, uint8_t *to, size_t room)
{
	char host[PATH_MAX_CHARS];
	CHAR16 wide[PATH_MAX_CHARS];
	struct token t = { .status = EFI_NOT_READY };
	size_t n = 0;

	if (!url_host(url, host) || app->bs->CreateEvent(0, 0, NULL, NULL, &t.event) != EFI_SUCCESS)
		return 0;
	for (; url[n]; n++)
		wide[n] = (CHAR16)url[n];
	wide[n] = 0;
	n = ask(app, http, &t, wide, host) == EFI_SUCCESS ? receive(app, http, &t, to, room) : 0;
	app->bs->CloseEvent(t.event);
	return n;
}

size_t http_beside(const struct app *app, const char *file, uint8_t *to, size_t room)
{
	static EFI_GUID guid = { 0x7a59b29b, 0x910b, 0x4171, { 0x82, 0x42, 0xa8, 0x5a, 0x0d, 0xf2, 0x5b, 0x5b } };
	struct origin o = { .url = "" };
	struct service_binding *service = find_service(app, &o);
	struct access_point point = { .use_default = TRUE };
	struct config config = { .version = HTTP_1_1, .timeout_ms = CONNECTION_MS, .ipv4 = &point };
	char url[PATH_MAX_CHARS];
	EFI_HANDLE child = NULL;
	struct http *http;
	void *found;
	size_t n = 0;

	if (!service || !path_beside_text(o.url, sizeof(o.url), file, url) ||
	    service->create(service, &child) != EFI_SUCCESS)
		return 0;
	if (o.address[0]) {
		point.use_default = FALSE;
		memcpy(point.address, o.address, sizeof(point.address));
		memset(point.mask, 0xff, 3);
	}
	if (app->bs->HandleProtocol(child, &guid, &found) == EFI_SUCCESS) {
		http = found;
		if (http->configure(http, &config) == EFI_SUCCESS)
			n = fetch(app, http, url, to, room);
		http->configure(http, NULL);
	}
	service->destroy(service, child);
	return n;
}
