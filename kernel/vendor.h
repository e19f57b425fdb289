/* Whose the firmware variables are that we write: a GUID, as an initialiser of UEFI's EFI_GUID and of ours. */
#ifndef PORTCULLIS_KERNEL_VENDOR_H
#define PORTCULLIS_KERNEL_VENDOR_H

#define PORTCULLIS_VENDOR { 0x5d1c8f3a, 0x7b0e, 0x4c52, { 0x9a, 0x61, 0x2f, 0xd4, 0x83, 0x0b, 0x57, 0xce } }

#endif
