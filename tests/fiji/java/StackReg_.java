import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;
import ij.gui.GenericDialog;
import ij.plugin.PlugIn;

/**
 * Stands in for the plugin of this name, which may not be redistributed. It moves each plane by its
 * distance from the current slice: in x for a rigid body, in y for a translation. Like the plugin it
 * has a dialog, here for scaled rotations only, so that it runs without a display too.
 */
public class StackReg_ implements PlugIn {
    public void run(String arg) {
        ImagePlus imp = WindowManager.getCurrentImage();
        String transformation = Macro.getValue(Macro.getOptions(), "transformation", "none");
        if (transformation.equals("Affine"))
            throw new IllegalStateException("no affine transformation here");
        if (transformation.equals("Scaled Rotation"))
            new GenericDialog("StackReg").showDialog();
        int anchor = imp.getCurrentSlice();
        for (int slice = 1; slice <= imp.getStackSize(); slice++) {
            int distance = slice - anchor;
            if (transformation.equals("Rigid Body"))
                imp.getStack().getProcessor(slice).translate(distance, 0);
            if (transformation.equals("Translation"))
                imp.getStack().getProcessor(slice).translate(0, distance);
        }
    }
}
