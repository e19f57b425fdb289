/*
 * Fault reasons (VT-d 7.1.3; Table 26 in revision 4.1): code, condition, words.
 */
#include "drivers-iommu/vtd/fault.h"

static const struct vtd_reason reasons[] = {
	{ 0x01, "LRT.2", "legacy root entry not present", NOT_QUALIFIED },
	{ 0x02, "LCT.2", "legacy context entry not present", QUALIFIED },
	{ 0x03, "LCT.4", "context entry invalid: AW, TT, or page table pointer unreadable", QUALIFIED },
	{ 0x04, "LGN.1", "input address above the limit", QUALIFIED },
	{ 0x05, "LGN.2", "write permission missing", QUALIFIED },
	{ 0x06, "LGN.3", "read permission missing", QUALIFIED },
	{ 0x07, "LSS.1", "paging entry unreadable", QUALIFIED },
	{ 0x08, "LRT.1", "legacy root entry unreadable", NOT_QUALIFIED },
	{ 0x09, "LCT.1", "legacy context entry unreadable", NOT_QUALIFIED },
	{ 0x0a, "LRT.3", "reserved bits in a present root entry", NOT_QUALIFIED },
	{ 0x0b, "LCT.3", "reserved bits in a present context entry", QUALIFIED },
	{ 0x0c, "LSS.2", "reserved bits in a present second-stage entry", QUALIFIED },
	{ 0x0d, "LCT.5", "translation or translated request blocked by TT", QUALIFIED },
	{ 0x0e, "LGN.4", "output address in the interrupt range", QUALIFIED },
	{ 0x20, "IR", "reserved field in a remappable interrupt request", NOT_QUALIFIED },
	{ 0x21, "IR", "interrupt index beyond the table", NOT_QUALIFIED },
	{ 0x22, "IR", "interrupt entry not present", QUALIFIED },
	{ 0x23, "IR", "interrupt entry unreadable", NOT_QUALIFIED },
	{ 0x24, "IR", "reserved field in a present interrupt entry", QUALIFIED },
	{ 0x25, "IR", "compatibility-format interrupt blocked", NOT_QUALIFIED },
	{ 0x26, "IR", "source id of the interrupt refused", QUALIFIED },
	{ 0x27, "IR", "posted-interrupt descriptor inaccessible", QUALIFIED },
	{ 0x28, "IR", "reserved field in a posted-interrupt descriptor", QUALIFIED },
	{ 0x29, "IR", "invalid request into the interrupt range", NOT_QUALIFIED },
	{ 0x30, "RTA.1", "translation table mode invalid", NOT_QUALIFIED },
	{ 0x31, "RTA.2", "request with PASID in legacy mode", NOT_QUALIFIED },
	{ 0x32, "RTA.3", "page request in legacy mode", NOT_QUALIFIED },
	{ 0x33, "RTA.4", "abort-DMA mode", NOT_QUALIFIED },
	{ 0x38, "SRT.1", "scalable root entry unreadable", NOT_QUALIFIED },
	{ 0x39, "SRT.2", "scalable root entry half not present", NOT_QUALIFIED },
	{ 0x3a, "SRT.3", "reserved bits in a present scalable root entry half", NOT_QUALIFIED },
	{ 0x40, "SCT.1", "scalable context entry unreadable", NOT_QUALIFIED },
	{ 0x41, "SCT.2", "scalable context entry not present", QUALIFIED },
	{ 0x42, "SCT.3", "reserved bits in a present scalable context entry", QUALIFIED },
	{ 0x43, "SCT.4", "scalable context entry invalid", QUALIFIED },
	{ 0x44, "SCT.5", "translation or translated request with DTE = 0", QUALIFIED },
	{ 0x45, "SCT.6", "request with PASID while PASIDE = 0", QUALIFIED },
	{ 0x46, "SCT.7", "PASID beyond the directory", QUALIFIED },
	{ 0x47, "SCT.8", "page request with PRE = 0", QUALIFIED },
	{ 0x48, "SCT.9", "RID_PASID invalid", QUALIFIED },
	{ 0x50, "SPD.1", "PASID directory entry unreadable", QUALIFIED_UNSURE },
	{ 0x51, "SPD.2", "PASID directory entry not present", QUALIFIED },
	{ 0x52, "SPD.3", "reserved bits in a present PASID directory entry", QUALIFIED },
	{ 0x58, "SPT.1", "PASID table entry unreadable", QUALIFIED_UNSURE },
	{ 0x59, "SPT.2", "PASID table entry not present", QUALIFIED },
	{ 0x5a, "SPT.3", "reserved bits in a present PASID table entry", QUALIFIED },
	{ 0x5b, "SPT.4", "PASID table entry invalid: PGTT, AW or FSPM", QUALIFIED },
	{ 0x5c, "SPT.5", "execute request with ERE = 0", QUALIFIED },
	{ 0x5d, "SPT.6", "supervisor request with SRE = 0", QUALIFIED },
	{ 0x70, "SFS.1", "first-stage entry unreadable", QUALIFIED },
	{ 0x71, "SFS.2", "first-stage entry not present", QUALIFIED },
	{ 0x72, "SFS.3", "reserved bits in a present first-stage entry", QUALIFIED },
	{ 0x73, "SFS.4", "first-stage table unreadable through FSPTPTR", QUALIFIED },
	{ 0x74, "SFS.5", "first-stage table address above the second-stage limit", QUALIFIED },
	{ 0x75, "SFS.6", "second stage denies reading the table at FSPTPTR", QUALIFIED },
	{ 0x76, "SFS.7", "second stage denies reading a lower first-stage table", QUALIFIED },
	{ 0x77, "SFS.8", "second stage denies the first-stage A/D update", QUALIFIED },
	{ 0x78, "SSS.1", "second-stage entry unreadable", QUALIFIED },
	{ 0x79, "SSS.2", "second-stage entry not present", QUALIFIED },
	{ 0x7a, "SSS.3", "reserved bits in a present second-stage entry", QUALIFIED },
	{ 0x7b, "SSS.4", "second-stage table unreadable through SSPTPTR", QUALIFIED },
	{ 0x7c, "SSS.5", "second-stage A/D update needed but the walk is not snooped", QUALIFIED },
	{ 0x7d, "SSS.6", "second-stage A/D update failed", QUALIFIED },
	{ 0x80, "SGN.1", "first-stage input address not canonical", QUALIFIED },
	{ 0x81, "SGN.2", "user request to a supervisor page", QUALIFIED },
	{ 0x82, "SGN.3", "execute permission missing", QUALIFIED },
	{ 0x83, "SGN.4", "pass-through or translated address above the host width", QUALIFIED },
	{ 0x84, "SGN.5", "second-stage input address above the limit", QUALIFIED },
	{ 0x85, "SGN.6", "write permission missing", QUALIFIED },
	{ 0x86, "SGN.7", "read permission missing", QUALIFIED },
	{ 0x87, "SGN.8", "output address in the interrupt range", QUALIFIED },
	{ 0x88, "SGN.9", "reason 88h", QUALIFIED_UNSURE },
	{ 0x89, "SGN.10", "reason 89h", QUALIFIED_UNSURE },
	{ 0x90, "SFS.9", "first-stage A/D update needed but the walk is not snooped", QUALIFIED },
	{ 0x91, "SFS.10", "first-stage A/D update failed", QUALIFIED },
};

const struct vtd_reason *vtd_reason(unsigned fr)
{
	for (unsigned i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].fr == fr)
			return &reasons[i];
	return NULL;
}

const char *vtd_reason_text(unsigned fr)
{
	const struct vtd_reason *r = vtd_reason(fr);

	return r ? r->words : "unknown reason";
}
