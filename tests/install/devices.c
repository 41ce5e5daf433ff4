// devices.c — lists the Vulkan devices with the installed library.
#include <stdio.h>
#include <stdlib.h>
#include "vk/device.h"

int main(void)
{
    vkc_device_info *list;
    uint32_t n;
    if (vkc_devices_list(NULL, &list, &n) != VKC_OK)
        return fprintf(stderr, "%s\n", vkc_last_error()), 1;
    for (uint32_t i = 0; i < n; i++)
        printf("%u %s\n", list[i].index, list[i].name);
    free(list);
    return 0;
}
