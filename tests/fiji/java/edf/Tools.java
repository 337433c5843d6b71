package edf;

/** Stands in for the class of this name in the plugin Extended Depth of Field. */
public class Tools {
    public static int[] computeScaleAndPowerTwoSize(int width, int height) {
        int scales = 0;
        while (1 << scales < Math.min(width, height))
            scales++;
        return new int[] {scales, 1 << scales, 1 << scales};
    }
}
