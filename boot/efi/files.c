/* portcullis.cfg: beside the application, else in the root of its medium; over a network, from the server's folder. */
#include "boot/efi/app.h"
#include "boot/efi/config.h"
#include "boot/efi/http.h"
#include "boot/efi/path.h"
#include "kernel/hal.h"
#include <string.h>

#define CONFIG_NAME      "portcullis.cfg"
#define CONFIG_BYTES_MAX 16384u
#define PATH_NODES_MAX   64
#define BOOT_FILE_CHARS  128 /* in a DHCP packet */

/* The text of the path that the application was loaded from; its nodes follow one another. */
static size_t loaded_path(const struct app *app, uint16_t out[PATH_MAX_CHARS])
{
	const EFI_DEVICE_PATH *node = app->loaded->FilePath;
	size_t n = 0;

	for (unsigned i = 0; node && i < PATH_NODES_MAX && !IsDevicePathEndType(node); i++) {
		const uint16_t *text = (const uint16_t *)(const void *)(node + 1);
		size_t bytes = (size_t)DevicePathNodeLength(node);

		if (bytes < sizeof(*node))
			break;
		if (DevicePathType(node) == MEDIA_DEVICE_PATH && DevicePathSubType(node) == MEDIA_FILEPATH_DP)
			for (size_t k = 0; k < (bytes - sizeof(*node)) / 2 && text[k] && n < PATH_MAX_CHARS - 1; k++)
				out[n++] = text[k];
		node = (const EFI_DEVICE_PATH *)(const void *)((const char *)node + bytes);
	}
	out[n] = 0;
	return n;
}

/* Reads a file whole as far as room goes. Bytes read; 0: there is none. */
static size_t read_file(EFI_FILE_PROTOCOL *root, uint16_t *path, uint8_t *to, size_t room)
{
	EFI_FILE_PROTOCOL *file;
	UINTN n = room;
	EFI_STATUS s;

	if (root->Open(root, &file, path, EFI_FILE_MODE_READ, 0) != EFI_SUCCESS)
		return 0;
	s = file->Read(file, &n, to);
	file->Close(file);
	return s == EFI_SUCCESS ? n : 0;
}

static size_t from_medium(const struct app *app, uint8_t *text)
{
	static EFI_GUID guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	uint16_t loaded[PATH_MAX_CHARS], path[PATH_MAX_CHARS];
	EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *fs;
	EFI_FILE_PROTOCOL *root;
	size_t chars = loaded_path(app, loaded), n = 0;
	void *found;

	if (app->bs->HandleProtocol(app->loaded->DeviceHandle, &guid, &found) != EFI_SUCCESS)
		return 0;
	fs = found;
	if (fs->OpenVolume(fs, &root) != EFI_SUCCESS)
		return 0;
	if (path_beside(loaded, chars, CONFIG_NAME, path))
		n = read_file(root, path, text, CONFIG_BYTES_MAX);
	if (!n && path_beside(loaded, 0, CONFIG_NAME, path))
		n = read_file(root, path, text, CONFIG_BYTES_MAX);
	root->Close(root);
	return n;
}

/* PXE over IPv4: the server and the folder that the application came from. */
static size_t from_network(const struct app *app, uint8_t *text)
{
	static EFI_GUID guid = EFI_PXE_BASE_CODE_PROTOCOL_GUID;
	EFI_PXE_BASE_CODE_PROTOCOL *pxe;
	const EFI_PXE_BASE_CODE_DHCPV4_PACKET *ack;
	char path[PATH_MAX_CHARS];
	EFI_IP_ADDRESS server = { .Addr = { 0 } };
	UINT64 bytes = CONFIG_BYTES_MAX;
	void *found;

	if (app->bs->HandleProtocol(app->loaded->DeviceHandle, &guid, &found) != EFI_SUCCESS)
		return 0;
	pxe = found;
	if (!pxe->Mode || !pxe->Mode->Started || pxe->Mode->UsingIpv6 || !pxe->Mode->DhcpAckReceived)
		return 0;
	ack = pxe->Mode->PxeReplyReceived ? &pxe->Mode->PxeReply.Dhcpv4 :
		pxe->Mode->ProxyOfferReceived ? &pxe->Mode->ProxyOffer.Dhcpv4 : &pxe->Mode->DhcpAck.Dhcpv4;
	for (unsigned i = 0; i < 4; i++)
		server.v4.Addr[i] = ack->BootpSiAddr[i];
	if (!path_beside_text((const char *)ack->BootpBootFile, BOOT_FILE_CHARS, CONFIG_NAME, path))
		return 0;
	if (pxe->Mtftp(pxe, EFI_PXE_BASE_CODE_TFTP_READ_FILE, text, FALSE, &bytes, NULL, &server, (UINT8 *)path, NULL,
		       FALSE) != EFI_SUCCESS)
		return 0;
	return (size_t)bytes;
}

void files_config(struct app *app)
{
	char then[8] = "";
	uint8_t *text = app_pages(app, CONFIG_BYTES_MAX, EfiLoaderData);
	const char *where = "beside the application";
	size_t n;

	if (!text)
		return;
	n = from_medium(app, text);
	if (!n) {
		n = from_network(app, text);
		where = "from the network";
	}
	if (!n)
		n = http_beside(app, CONFIG_NAME, text, CONFIG_BYTES_MAX);
	if (n)
		app->bi->cmdline_cut = config_words(text, n, app->bi->cmdline, sizeof(app->bi->cmdline));
	if (n)
		app_say(app, "%s, %s: %s", CONFIG_NAME, where, app->bi->cmdline[0] ? app->bi->cmdline : "(no words)");
	else
		app_say(app, "There is no %s: everything is tested, with the usual settings.", CONFIG_NAME);
	config_take(app->bi->cmdline, "then", then, sizeof(then));
	app->then_off = !strcmp(then, "off");
	app->bs->FreePages((EFI_PHYSICAL_ADDRESS)(uintptr_t)text, EFI_SIZE_TO_PAGES(CONFIG_BYTES_MAX));
}
