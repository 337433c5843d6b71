package net.imagej.legacy;

import java.awt.GraphicsEnvironment;
import java.io.File;
import java.lang.reflect.Method;

/**
 * Stands in for the part of a Fiji that connects ImageJ2 with ImageJ. Like it, this refuses a Java in
 * which ImageJ's classes are loaded already, since it could not change them any more; needs the
 * package java.lang to be open for that; gives ImageJ its commands, also without a display; and takes
 * the folder of Fiji from a property.
 */
public class LegacyService {
    static {
        try {
            Method loaded = ClassLoader.class.getDeclaredMethod("findLoadedClass", String.class);
            loaded.setAccessible(true);
            for (String name : new String[] {"ij.IJ", "ij.ImagePlus", "ij.Menus"})
                if (loaded.invoke(LegacyService.class.getClassLoader(), name) != null)
                    throw new IllegalStateException("Found incompatible ImageJ class: " + name);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    public void initialize() {
        Bridge.start();
    }

    public void setVisible() {
        Bridge.show();
    }

    public boolean isVisible() {
        return ij.IJ.getInstance() != null && ij.IJ.getInstance().isVisible();
    }

    public void dispose() {
        if (isVisible())
            ij.IJ.getInstance().setVisible(false);
    }

    /** Holds what uses classes of ImageJ, so that they are not loaded too early. */
    private static class Bridge {
        static void start() {
            if (!GraphicsEnvironment.isHeadless()) {
                new ij.ImageJ(ij.ImageJ.NO_SHOW);
                return;
            }
            try {
                ij.IJ.run(""); // creates the table of commands, then fails to create a menu bar
            } catch (RuntimeException e) {
                // The real one has replaced the classes of menus by some that need no display.
            }
            for (String file : new File(System.getProperty("imagej.dir"), "plugins").list())
                if (file.endsWith("_.class")) {
                    String name = file.replace(".class", "");
                    ij.Menus.getCommands().put(name.replace('_', ' '), name);
                }
        }

        static void show() {
            ij.IJ.getInstance().pack();
            ij.IJ.getInstance().setVisible(true);
        }
    }
}
