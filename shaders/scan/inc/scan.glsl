// scan.glsl — exclusive sum over the workgroup without subgroups: right on every vendor.
shared uint scan_sums[WG];
#define SCAN_TOTAL scan_sums[WG - 1u]      // of the last wg_scan(), until the next

uint wg_scan(uint v)
{
    uint t = gl_LocalInvocationID.x;
    barrier();                     // protects a previous wg_scan()'s readers
    scan_sums[t] = v;
    barrier();
    for (uint s = 1u; s < WG; s <<= 1u) {
        uint before = 0u;
        if (t >= s)
            before = scan_sums[t - s];
        barrier();
        scan_sums[t] += before;
        barrier();
    }
    return scan_sums[t] - v;
}
