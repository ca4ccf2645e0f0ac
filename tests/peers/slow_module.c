/* A PKCS#11 module in front of SoftHSM2 that can be told by a file to be slow or to answer garbage.
 *
 * PEER_BEHAVIOUR names the file; its first byte is 's' (every encryption and decryption takes ten seconds),
 * 'g' (what is decrypted is overwritten), 'r' (the device was removed) or 'o' (the key may decrypt only). Built by tests/peers/hardware.py. The function list of PKCS #11 v2.40
 * is a version and 68 pointers in a fixed order; no header is needed to wrap four of them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long rv;
typedef struct { unsigned char version[sizeof(void *)]; void *function[68]; } list;
enum { GET_LIST = 3, OPEN_SESSION = 12, ENCRYPT = 30, DECRYPT = 34, REMOVED = 0x32, NOT_PERMITTED = 0x68 };
static list *real, ours;

static char behaviour(void) {
    char said = 0;
    const char *path = getenv("PEER_BEHAVIOUR");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file >= 0) {
        if (read(file, &said, 1) != 1) said = 0;
        close(file);
    }
    if (said == 's') sleep(10);
    return said;
}

typedef rv (*crypting)(unsigned long, void *, unsigned long, unsigned char *, unsigned long *);

static rv encrypt_(unsigned long session, void *in, unsigned long size, unsigned char *out, unsigned long *room) {
    char said = behaviour();
    if (said == 'r') return REMOVED;
    if (said == 'o') return NOT_PERMITTED;
    return ((crypting)real->function[ENCRYPT])(session, in, size, out, room);
}

static rv decrypt_(unsigned long session, void *in, unsigned long size, unsigned char *out, unsigned long *room) {
    char said = behaviour();
    if (said == 'r') return REMOVED;
    rv result = ((crypting)real->function[DECRYPT])(session, in, size, out, room);
    if (said == 'g' && result == 0 && out) memset(out, 'g', *room);
    return result;
}

typedef rv (*opening)(unsigned long, unsigned long, void *, void *, unsigned long *);

static rv open_session(unsigned long slot, unsigned long flags, void *application, void *notify, unsigned long *session) {
    if (behaviour() == 'r') return REMOVED;
    return ((opening)real->function[OPEN_SESSION])(slot, flags, application, notify, session);
}

rv C_GetFunctionList(list **asked) {
    if (!real) {
        void *module = dlopen(MODULE, RTLD_NOW);
        rv (*get)(list **) = module ? (rv (*)(list **))dlsym(module, "C_GetFunctionList") : 0;
        if (!get || get(&real)) return 5; /* CKR_GENERAL_ERROR */
        ours = *real;
        ours.function[GET_LIST] = (void *)C_GetFunctionList;
        ours.function[OPEN_SESSION] = (void *)open_session;
        ours.function[ENCRYPT] = (void *)encrypt_;
        ours.function[DECRYPT] = (void *)decrypt_;
    }
    *asked = &ours;
    return 0;
}
