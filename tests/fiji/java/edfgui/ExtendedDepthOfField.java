package edfgui;

import ij.ImagePlus;
import ij.process.FloatProcessor;

/**
 * Stands in for the plugin of this name: quality 4 projects the largest values, others the smallest.
 * Its output is scaled by the setting "rate", ten times, so that a test sees that it arrived.
 */
public class ExtendedDepthOfField {
    private final ImagePlus imp;
    private final Parameters parameters;

    public ExtendedDepthOfField(ImagePlus imp, Parameters parameters) {
        this.imp = imp;
        this.parameters = parameters;
    }

    public void process() {
        if (parameters.maxScales == 0 || parameters.color || parameters.showTopology)
            throw new IllegalStateException("the settings are incomplete");
        if (parameters.quality == 1)
            throw new IllegalArgumentException("no variance here");
        float[] output = (float[]) imp.getStack().getProcessor(1).convertToFloat().getPixelsCopy();
        for (int slice = 2; slice <= imp.getStackSize(); slice++)
            for (int i = 0; i < output.length; i++) {
                float value = imp.getStack().getProcessor(slice).getf(i);
                output[i] = parameters.quality == 4 ? Math.max(output[i], value) : Math.min(output[i], value);
            }
        for (int i = 0; i < output.length; i++)
            output[i] *= (float) (10 * parameters.rate);
        new ImagePlus("Output", new FloatProcessor(imp.getWidth(), imp.getHeight(), output)).show();
    }
}
